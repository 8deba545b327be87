import type { CSSProperties } from "react";
import { place, type Window } from "./framing";

interface LayerProps {
  url: string;
  alt: string;
  /** The part of the picture that the image shows, and the part that its frame shows; all of it if not given. */
  part?: Window | null;
  frame?: Window;
  size: { width: number; height: number };
  style?: CSSProperties;
}

/** An image in a `PictureFrame`, where it belongs in the picture. */
export function Layer({ url, alt, part, frame, size, style }: LayerProps) {
  return (
    <img
      src={url}
      alt={alt}
      width={size.width}
      height={size.height}
      decoding="async"
      draggable={false}
      style={{ ...place(part ?? undefined, frame), ...style }}
    />
  );
}
