import { IconArrowsHorizontal } from "@tabler/icons-react";
import { type CSSProperties, type PointerEvent, type ReactNode, useRef, useState } from "react";
import type { Schema } from "@/api/client";
import type { SignedOutput } from "@/api/results";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import classes from "./comparison.module.css";
import { aspectOf } from "./framing";
import { Layer } from "./layer";
import { PictureFrame } from "./picture-frame";

interface ComparisonProps {
  fileName: string;
  image: Schema<"ImageFacts">;
  original: string;
  after: SignedOutput;
  /** What lies over both. */
  children?: ReactNode;
}

/** The original left of a line and the result right of it; the line is moved by pointer, finger or keys. */
export function Comparison({ fileName, image, original, after, children }: ComparisonProps) {
  const [percent, setPercent] = useState(50);
  const range = useRef<HTMLInputElement>(null);
  const follow = ({ clientX, currentTarget }: PointerEvent<HTMLDivElement>) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    setPercent(Math.min(100, Math.max(0, Math.round(((clientX - left) / width) * 100))));
  };
  return (
    <PictureFrame aspect={aspectOf(image)}>
      <div
        className={classes.comparison}
        style={{ "--line": `${percent}%` } as CSSProperties}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          follow(event);
        }}
        onPointerUp={() => range.current?.focus({ preventScroll: true })}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && follow(event)}
      >
        <Layer url={original} alt={texts.result.picture(fileName)} size={image} />
        <div className={`${classes.after} checkerboard`}>
          <Layer url={after.url} alt={texts.result.cutout(fileName)} part={after.window} size={after} />
        </div>
        {children}
        <input
          ref={range}
          type="range"
          className={classes.range}
          value={percent}
          onChange={(event) => setPercent(event.currentTarget.valueAsNumber)}
          aria-label={texts.result.slider}
          aria-valuetext={texts.result.sliderValue(formatShare(percent / 100))}
        />
        <div className={classes.line} aria-hidden>
          <span className={classes.handle}>
            <IconArrowsHorizontal size={20} />
          </span>
        </div>
        <span className={classes.side} data-side="before" aria-hidden>
          {texts.result.before}
        </span>
        <span className={classes.side} data-side="after" aria-hidden>
          {after.kind === "composite" ? texts.result.afterComposite : texts.result.after}
        </span>
      </div>
    </PictureFrame>
  );
}
