import type { Intake } from "@/api/intake";

/** What a deployment takes that changes no default. */
export const intake: Intake = {
  accepted_types: ["image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff", "image/bmp", "image/gif"],
  max_size_bytes: 50_000_000,
  max_pixels: 50_000_000,
  models: ["u2netp"],
  default_options: {
    model: null,
    outputs: ["cutout", "matte", "composite"],
    formats: ["png", "webp"],
    crop: null,
    background: "#ffffff",
    shadow: null,
    thumbnail_sizes: [{ width: 640, height: 480, fit: "contain" }],
  },
  quota: null,
};
