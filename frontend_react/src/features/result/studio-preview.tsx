import { useQuery } from "@tanstack/react-query";
import type { CSSProperties } from "react";
import { type Schema, useApi } from "@/api/client";
import { type CompositeRequest, resultOptions, type SignedOutput } from "@/api/results";
import { texts } from "@/texts";
import { aspectOf, cropTo, longerSide, WHOLE, type Window } from "./framing";
import { Layer } from "./layer";
import { PictureFrame } from "./picture-frame";
import classes from "./studio-preview.module.css";

export interface ChosenPicture {
  imageId: string;
  /** A small version, at hand at once. */
  thumbnail: string;
}

/** What lies behind the subject: a colour, the picture itself out of focus, or another picture. */
export type Backdrop = { color: string } | "blur" | ChosenPicture;

type Size = Pick<Schema<"ImageFacts">, "width" | "height">;

interface StudioPreviewProps {
  image: Size;
  subject?: Window;
  original: string;
  cutout: SignedOutput;
  backdrop?: Backdrop;
  shadow: CompositeRequest["shadow"];
  crop: CompositeRequest["crop"];
}

const BACKDROP_SIGMA = 2; // percent of the picture's longer side, as the composite's blur has

/** What a composite will look like, by layers of images that are there already. */
export function StudioPreview({ image, subject, original, cutout, backdrop, shadow, crop }: StudioPreviewProps) {
  const reach = shadow ? 1.5 * shadow.blur + Math.max(Math.abs(shadow.offset_x), Math.abs(shadow.offset_y)) : 0;
  const frame = subject && crop ? cropTo(subject, image, Math.max(crop.margin, reach)) : WHOLE;
  // A percent of the subject's longer side, in percents of the frame's width.
  const unit = longerSide(subject ?? WHOLE, image) / (frame.width * image.width);
  const castShadow: CSSProperties | undefined = shadow
    ? {
        filter: `drop-shadow(${shadow.offset_x * unit}cqi ${shadow.offset_y * unit}cqi ${(shadow.blur * unit) / 2}cqi rgb(0 0 0 / ${shadow.opacity}%))`,
      }
    : undefined;
  return (
    <div role="img" aria-label={texts.result.studio.preview}>
      <PictureFrame aspect={aspectOf(image, frame)}>
        <div className={`${classes.backdrop} checkerboard`}>
          {backdrop === "blur" && <Blurred image={image} original={original} frame={frame} />}
          {backdrop && backdrop !== "blur" && "color" in backdrop && (
            <div className={classes.backdrop} style={{ background: backdrop.color }} />
          )}
          {backdrop && backdrop !== "blur" && "imageId" in backdrop && <Other picture={backdrop} />}
        </div>
        <Layer url={cutout.url} alt="" part={cutout.window} frame={frame} size={cutout} style={castShadow} />
      </PictureFrame>
    </div>
  );
}

function Blurred({ image, original, frame }: { image: Size; original: string; frame: Window }) {
  const sigma = (BACKDROP_SIGMA * longerSide(WHOLE, image)) / (frame.width * image.width);
  return (
    <Layer
      url={original}
      alt=""
      frame={frame}
      size={image}
      // A little larger, since a blur fades out towards the edge of its image.
      style={{ filter: `blur(${sigma}cqi)`, transform: "scale(1.08)" }}
    />
  );
}

/** Another picture, cut to the frame around its middle: its thumbnail until the larger proxy is known. */
function Other({ picture }: { picture: ChosenPicture }) {
  const { data } = useQuery(resultOptions(useApi(), picture.imageId));
  return <img src={data?.links.proxy ?? picture.thumbnail} alt="" className={classes.covering} />;
}
