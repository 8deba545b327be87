import type { Schema } from "@/api/client";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatBytes, formatDateTime, formatNumber } from "@/texts/format";
import { Facts } from "./facts";

type ImageFacts = Schema<"ImageFacts">;

const MEGAPIXEL = 1_000_000;

export function FilePanel({ image, createdAt }: { image: ImageFacts; createdAt: string }) {
  const { facts, exif, pixels, megapixels } = texts.result;
  const { width, height } = image;
  return (
    <Panel title={texts.result.file}>
      <Facts
        facts={[
          [facts.created, formatDateTime(createdAt)],
          [facts.format, image.format],
          [facts.size, formatBytes(image.size_bytes)],
          [
            facts.dimensions,
            `${pixels(width, height)} (${megapixels(formatNumber(Number(((width * height) / MEGAPIXEL).toFixed(1))))})`,
          ],
          [facts.mode, image.mode],
          ...Object.entries(image.exif).map(([name, value]): [string, string] => [
            exif[name] ?? name,
            exifValue(name, value),
          ]),
        ]}
      />
    </Panel>
  );
}

function exifValue(name: string, value: string | number): string {
  const { aperture, millimetres } = texts.result;
  if (typeof value === "string") {
    return value;
  }
  const number = formatNumber(Number(value.toFixed(2)));
  switch (name) {
    case "exposure_time_s":
      return exposureTime(value);
    case "f_number":
      return aperture(number);
    case "focal_length_mm":
    case "focal_length_35mm":
      return millimetres(number);
    default:
      return number;
  }
}

/** As photographers write it: 1/250 s, and 2.5 s. */
function exposureTime(seconds: number): string {
  return seconds > 0 && seconds < 0.5
    ? texts.result.exposure(Math.round(1 / seconds))
    : texts.result.seconds(formatNumber(seconds));
}
