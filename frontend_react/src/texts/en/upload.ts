import { formatBytes, formatNumber, formatShare, formatTime } from "../format";

const FORMATS: Record<string, string> = {
  jpeg: "JPEG",
  png: "PNG",
  webp: "WebP",
  avif: "AVIF",
  tiff: "TIFF",
  bmp: "BMP",
  gif: "GIF",
};

const list = new Intl.ListFormat("en");
const alternatives = new Intl.ListFormat("en", { type: "disjunction" });

/** The name of a media type such as image/jpeg. */
const typeName = (type: string): string => {
  const subtype = type.replace("image/", "");
  return FORMATS[subtype] ?? subtype.toUpperCase();
};

const pictures = (count: number): string => (count === 1 ? "1 picture" : `${formatNumber(count)} pictures`);
const files = (count: number): string => (count === 1 ? "1 file" : `${formatNumber(count)} files`);

interface OptionsSummary {
  outputs: string[];
  formats: string[];
  /** The colour or kind of the background; null without a picture that has one. */
  background: string | null;
  isCropped: boolean;
}

export const upload = {
  title: "Upload pictures",
  typeName,
  taken: (types: string[], maxBytes: number) =>
    `${alternatives.format(types.map(typeName))}, up to ${formatBytes(maxBytes)} each`,

  drop: "Drop pictures anywhere on this page",
  dropNow: "Drop them here",
  paste: "You can also paste a picture from the clipboard.",
  choose: "Choose pictures",
  takePhoto: "Take a photo",
  pastedName: (stamp: string) => `pasted-${stamp}`,

  quota: (used: number, limit: number) => `${formatNumber(used)} of ${pictures(limit)} today.`,
  goesOn: (at: number) => `More can be uploaded from ${formatTime(at)}.`,
  overQuota: (at: number) => `You have uploaded as many pictures today as you may. Try again from ${formatTime(at)}.`,

  refusals: {
    empty: "The file is empty. Choose another one.",
    heic: "HEIC pictures are not taken. Export it as JPEG and add that.",
    wrongType: (types: string[]) => `This is not a picture of a kind that is taken: ${list.format(types)}.`,
    tooLarge: (bytes: number, maxBytes: number) =>
      `The file has ${formatBytes(bytes)}, and the limit is ${formatBytes(maxBytes)}. Make it smaller.`,
    unreadable: "The file cannot be read. Look whether it is still there and may be opened.",
    twice: "This file is in the list already.",
  },

  options: "Options",
  outputs: "What is made",
  outputNames: {
    cutout: "Cut-out",
    matte: "Matte",
    matte_preview: "Matte preview",
    composite: "On a background",
  },
  formats: "Formats of the cut-out",
  formatNames: {
    png: "PNG",
    webp: "WebP (lossless)",
    webp_lossy: "WebP (small)",
    avif: "AVIF (smallest)",
  },
  background: "Background",
  backgroundKinds: { color: "Colour", blur: "The picture, blurred" },
  colors: {
    "#ffffff": "White",
    "#f1f3f5": "Light grey",
    "#212529": "Black",
    "#dfdcfb": "Lavender",
    "#c3fae8": "Mint",
    "#ffe8cc": "Apricot",
  } as Record<string, string>,
  otherColor: "Another colour",
  crop: "Crop to the subject",
  margin: "Margin",
  marginValue: (percent: number) => formatShare(percent / 100),
  summary: ({ outputs, formats, background, isCropped }: OptionsSummary) =>
    [outputs.join(", "), formats.join(", "), background, isCropped && "Cropped to the subject"]
      .filter(Boolean)
      .join(" · "),

  list: "Your files",
  start: (count: number) => `Upload ${pictures(count)}`,
  clear: "Clear finished",
  total: "All files",
  totalSent: (sent: number, all: number, bytes: number, allBytes: number) =>
    `${sent} of ${files(all)} sent, ${formatBytes(bytes)} of ${formatBytes(allBytes)}`,

  chosen: "Ready to be sent",
  queued: "Waiting for its turn",
  sending: (share: number) => `Sending, ${formatShare(share)}`,
  offline: "You are offline. It goes on by itself when you are back.",
  retrying: "The connection broke off. It is tried again in a moment.",
  unreachable: "The server did not answer, again and again. Look at your connection and try again.",
  notAccepted: (why: string) => `It was not accepted: ${why}`,
  cancelled: "Cancelled",
  arrived: "Sent; its processing begins in a moment",
  took: (duration: string) => `in ${duration}`,
  neverBegan:
    "Its processing has not begun yet, which takes a second as a rule. It is not lost: look at it again later.",
  noPolling: "What happens with your pictures cannot be read now. It is tried again by itself.",

  showSteps: "Steps",
  open: "Open",
  cancel: (name: string) => `Cancel ${name}`,
  retry: (name: string) => `Upload ${name} again`,
  remove: (name: string) => `Remove ${name} from the list`,
  startAgain: (name: string) => `Start again: ${name}`,
  stepsOf: (name: string) => `Steps of ${name}`,
  progressOf: (name: string) => `Upload of ${name}`,
  openResult: (name: string) => `Open ${name}`,

  /** What a screen reader says when something has changed. */
  announcement: ({ chosen, sent, done, failed }: { chosen: number; sent: number; done: number; failed: number }) =>
    [
      chosen > 0 && `${pictures(chosen)} ready to be sent`,
      sent > 0 && `${pictures(sent)} sent`,
      done > 0 && `${pictures(done)} done`,
      failed > 0 && `${files(failed)} with a problem`,
    ]
      .filter(Boolean)
      .join(", "),

  indicator: (percent: string, count: number) => `Uploading ${files(count)}, ${percent}`,
  notSent: (count: number) => `${files(count)} not sent`,
};
