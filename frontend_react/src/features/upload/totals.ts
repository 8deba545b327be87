import { isActive, type Upload } from "./upload-queue";

export interface Totals {
  files: number;
  sentFiles: number;
  bytes: number;
  sentBytes: number;
  failedFiles: number;
  isActive: boolean;
}

/** How far the files are that are being sent, or were sent last. */
export function totalsOf(uploads: readonly Upload[]): Totals {
  const batch = Math.max(0, ...uploads.map((upload) => upload.batch));
  const failedFiles = uploads.filter(({ phase }) => phase.state === "failed").length;
  const sent = uploads.filter((upload) => upload.batch > 0 && upload.batch === batch);
  const counted = sent.filter((upload) => isActive(upload) || upload.phase.state === "sent");
  return {
    files: counted.length,
    sentFiles: counted.filter(({ phase }) => phase.state === "sent").length,
    bytes: counted.reduce((sum, { file }) => sum + file.size, 0),
    sentBytes: counted.reduce((sum, upload) => sum + sentBytesOf(upload), 0),
    failedFiles,
    isActive: uploads.some(isActive),
  };
}

function sentBytesOf({ phase, file }: Upload): number {
  if (phase.state === "sent") {
    return file.size;
  }
  return phase.state === "sending" ? Math.min(phase.sentBytes, file.size) : 0;
}

/** The share of the bytes that were sent, in whole percents, from 0 to 1. */
export const shareOf = (sentBytes: number, bytes: number): number =>
  bytes ? Math.floor((sentBytes / bytes) * 100) / 100 : 0;
