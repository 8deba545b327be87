import { expect, test } from "vitest";
import { aspectOf, cropTo, cutoutToShow, place } from "./framing";
import { output, resultOf } from "./result.fixture";

test("a part of the picture lies in a frame that shows another part", () => {
  const frame = { left: 0.25, top: 0.5, width: 0.5, height: 0.5 };
  const part = { left: 0.5, top: 0.5, width: 0.25, height: 0.25 };
  expect(place(part, frame)).toEqual({ left: "50.000%", top: "0.000%", width: "50.000%", height: "50.000%" });
  expect(aspectOf({ width: 400, height: 300 }, frame)).toBeCloseTo(4 / 3);
});

test("a crop has its margin in percent of the subject's longer side, and ends with the picture", () => {
  // The subject is 200 x 100 of 400 x 300 pixels, so that 10 percent are 20 pixels; it reaches the bottom.
  const subject = { left: 0.25, top: 2 / 3, width: 0.5, height: 1 / 3 };
  const crop = cropTo(subject, { width: 400, height: 300 }, 10);
  expect(crop.left).toBeCloseTo(80 / 400);
  expect(crop.top).toBeCloseTo(180 / 300);
  expect(crop.width).toBeCloseTo(240 / 400);
  expect(crop.height).toBeCloseTo(120 / 300);
});

test("the cut-out that is shown shows most, and is as small as is sharp", () => {
  const square = output("cutout_thumbnail", "square.png", {
    width: 1200,
    height: 1200,
    window: { left: 0.1, top: 0, width: 0.75, height: 1 },
  });
  const small = output("cutout_thumbnail", "small.png", { width: 640, height: 480 });
  const sharp = output("cutout_thumbnail", "sharp.png", { width: 1600, height: 1200 });
  const large = output("cutout_thumbnail", "large.png", { width: 4000, height: 3000 });
  const shown = (...outputs: (typeof small)[]) => cutoutToShow(resultOf({ outputs }))?.key;
  expect(shown(large, square, small, sharp)).toBe(sharp.key);
  expect(shown(square, small)).toBe(small.key);
  expect(shown(output("matte", "matte.png"))).toBeUndefined();
});
