import type { CSSProperties } from "react";
import type { Schema } from "@/api/client";
import type { Result, SignedOutput } from "@/api/results";

/** A part of the picture, in fractions of its width and height. */
export type Window = Schema<"Box">;

export const WHOLE: Window = { left: 0, top: 0, width: 1, height: 1 };

const SHOWN_SIDE = 1_200; // pixels that a picture on this page has on its longer side, where there is such a one

/** Where a part of the picture lies in a positioned frame that shows another part of it. */
export const place = (part: Window = WHOLE, frame: Window = WHOLE): CSSProperties => ({
  left: percent((part.left - frame.left) / frame.width),
  top: percent((part.top - frame.top) / frame.height),
  width: percent(part.width / frame.width),
  height: percent(part.height / frame.height),
});

/** Width by height of a part of a picture of this size. */
export const aspectOf = (size: { width: number; height: number }, part: Window = WHOLE): number =>
  (size.width * part.width) / (size.height * part.height);

/** The subject with a margin in percent of its longer side, as `crop_window` of the cut-out makes it. */
export function cropTo(subject: Window, size: { width: number; height: number }, margin: number): Window {
  const space = (longerSide(subject, size) * margin) / 100;
  const left = Math.max(0, subject.left - space / size.width);
  const top = Math.max(0, subject.top - space / size.height);
  return {
    left,
    top,
    width: Math.min(1, subject.left + subject.width + space / size.width) - left,
    height: Math.min(1, subject.top + subject.height + space / size.height) - top,
  };
}

/** The longer side of a part of a picture, in the picture's pixels. */
export const longerSide = (part: Window, size: { width: number; height: number }): number =>
  Math.max(part.width * size.width, part.height * size.height);

/** The cut-out to show: of those that show most, the smallest that is sharp on a screen. */
export function cutoutToShow({ outputs }: Result): SignedOutput | undefined {
  const shows = ({ window }: SignedOutput) => (window ? window.width * window.height : 1);
  const side = ({ width, height }: SignedOutput) => Math.max(width, height);
  const cutouts = outputs.filter(({ kind }) => kind === "cutout_thumbnail");
  const most = Math.max(...cutouts.map(shows));
  const whole = cutouts.filter((cutout) => shows(cutout) > most - 0.01).sort((one, other) => side(one) - side(other));
  return whole.find((cutout) => side(cutout) >= SHOWN_SIDE) ?? whole.at(-1);
}

/** What stands beside the original: the cut-out, else the first composite. */
export const resultToShow = (result: Result): SignedOutput | undefined =>
  cutoutToShow(result) ?? result.outputs.find(({ kind }) => kind === "composite");

const percent = (fraction: number): string => `${(fraction * 100).toFixed(3)}%`;
