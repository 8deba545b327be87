import type { Result, SignedOutput } from "@/api/results";

const IMAGE_ID = "0198a000-0000-7000-8000-000000000001";
const AT = "2026-11-21T12:00:00+00:00";

/** A signed URL as S3's are, of `key`, made just now. */
export function signedUrl(key: string): string {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  return `http://files.test/${key}?X-Amz-Date=${now}&X-Amz-Expires=900&X-Amz-Signature=abc`;
}

export const output = (kind: SignedOutput["kind"], name: string, more: Partial<SignedOutput> = {}): SignedOutput => ({
  kind,
  key: `${IMAGE_ID}/${name}`,
  format: name.endsWith("jpg") ? "JPEG" : "PNG",
  width: 1600,
  height: 1200,
  bytes: 2_500_000,
  url: signedUrl(`${IMAGE_ID}/${name}`),
  ...more,
});

const PROCESSED: Partial<Result> = {
  image: {
    format: "JPEG",
    width: 4000,
    height: 3000,
    mode: "RGB",
    size_bytes: 3_400_000,
    sha256: "0".repeat(64),
    exif: { camera_model: "EOS R5", exposure_time_s: 0.004, f_number: 2.8 },
  },
  mask: {
    bucket: "masks",
    key: `${IMAGE_ID}/mask.png`,
    width: 2000,
    height: 1500,
    model: "u2net",
    provider: "CPUExecutionProvider",
    inference_ms: 412,
    coverage: 0.34,
    confidence: 93,
    edge_softness: 0.2,
    parts: 1,
    touches: ["left", "bottom"],
    subject: { left: 0.25, top: 0.5, width: 0.5, height: 0.5 },
    flags: [],
  },
  labels: [{ name: "Boat", confidence: 98.4, parents: [] }],
  faces: [{ box: { left: 0.4, top: 0.2, width: 0.1, height: 0.2 }, confidence: 99.1 }],
  text: [{ text: "HARBOUR", confidence: 88, box: { left: 0.1, top: 0.8, width: 0.2, height: 0.05 } }],
  moderation: { blocked: false, labels: [], model_version: "7.0" },
  properties: {
    sharpness: 90,
    brightness: 55,
    contrast: 60,
    dominant_colors: [{ hex: "#336699", name: "steelblue", percent: 41 }],
  },
  analysis_parts: { labels: "OK", faces: "OK", text: "OK", moderation: "OK", properties: "OK" },
  outputs: [
    output("thumbnail", "thumbnail_1600x1200.jpg"),
    output("cutout_thumbnail", "cutout_thumbnail_1600x1200.png"),
    output("cutout", "cutout.png", { width: 4000, height: 3000 }),
    output("composite", "composite.jpg", { width: 4000, height: 3000, background: "#ffffff" }),
  ],
};

/** A picture as the API answers it: finished, unless its status says otherwise. */
export function resultOf({ status = "SUCCEEDED", ...more }: Partial<Result> = {}): Result {
  return {
    image_id: IMAGE_ID,
    owner: "public",
    file_name: "boat.jpg",
    upload_key: `uploads/public/${IMAGE_ID}/boat.jpg`,
    labels: [],
    faces: [],
    text: [],
    analysis_parts: {},
    outputs: [],
    needs_review: false,
    steps: { validate_image: { state: "done", started_at: AT, ended_at: AT, attempts: 1 } },
    timings: {},
    execution_arn: "arn:first",
    created_at: AT,
    updated_at: AT,
    expires_at: 1_800_000_000,
    links: { original: signedUrl("boat.jpg"), proxy: signedUrl(`${IMAGE_ID}/proxy.jpg`) },
    status,
    ...(status === "SUCCEEDED" || status === "PARTIAL" ? PROCESSED : {}),
    ...more,
  };
}
