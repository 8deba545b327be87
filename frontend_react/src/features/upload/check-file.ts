import type { Intake } from "@/api/intake";
import { texts } from "@/texts";

const HEAD_BYTES = 64;

const TYPE_OF_EXTENSION: Record<string, string> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  jpe: "image/jpeg",
  jfif: "image/jpeg",
  png: "image/png",
  apng: "image/png",
  webp: "image/webp",
  avif: "image/avif",
  heic: "image/heic",
  heif: "image/heic",
  tif: "image/tiff",
  tiff: "image/tiff",
  bmp: "image/bmp",
  gif: "image/gif",
};

const SIGNATURES: [RegExp, string][] = [
  [/^\xff\xd8\xff/, "image/jpeg"],
  [/^\x89PNG/, "image/png"],
  [/^GIF8/, "image/gif"],
  [/^RIFF.{4}WEBP/s, "image/webp"],
  [/^.{4}ftyp.*avi[fs]/s, "image/avif"],
  [/^.{4}ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)/s, "image/heic"],
  [/^(II\*\0|MM\0\*)/, "image/tiff"],
  [/^BM/, "image/bmp"],
];

/** A file and what it is, under a name that fits its type; `refusal` says in words why it is not sent. */
export interface CheckedFile {
  file: File;
  name: string;
  type: string;
  refusal?: string;
}

/** Check a file before it is sent: its content rather than its name says what it is. */
export async function checkFile(file: File, intake: Intake): Promise<CheckedFile> {
  const head = await readHead(file);
  if (head === null) {
    return { file, name: file.name, type: file.type, refusal: texts.upload.refusals.unreadable };
  }
  const type = typeOf(head);
  return {
    file,
    name: type ? fittingName(file.name, type) : file.name,
    type: type ?? file.type,
    refusal: refusalOf(file.size, type, intake),
  };
}

function refusalOf(size: number, type: string | undefined, intake: Intake): string | undefined {
  if (size === 0) {
    return texts.upload.refusals.empty;
  }
  if (!type || !intake.accepted_types.includes(type)) {
    return type === "image/heic"
      ? texts.upload.refusals.heic
      : texts.upload.refusals.wrongType(intake.accepted_types.map(texts.upload.typeName));
  }
  return size > intake.max_size_bytes ? texts.upload.refusals.tooLarge(size, intake.max_size_bytes) : undefined;
}

/** The first bytes of a file, each as one character; null if it is gone or may not be read. */
async function readHead(file: File): Promise<string | null> {
  try {
    return String.fromCharCode(...new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  } catch {
    return null;
  }
}

function typeOf(head: string): string | undefined {
  return SIGNATURES.find(([signature]) => signature.test(head))?.[1];
}

/** The API refuses a file whose name says another type than its content: many a saved `.jpg` is a WebP. */
function fittingName(name: string, type: string): string {
  const [, stem, extension] = /^(.*)\.(\w+)$/.exec(name) ?? [];
  const declared = extension && TYPE_OF_EXTENSION[extension.toLowerCase()];
  return declared && declared !== type ? `${stem}.${type.replace("image/", "")}` : name;
}
