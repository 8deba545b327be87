import type { CSSProperties, ReactNode } from "react";
import classes from "./picture-frame.module.css";

interface PictureFrameProps {
  /** Width by height. */
  aspect: number;
  className?: string;
  style?: CSSProperties;
  children: ReactNode;
}

/**
 * A box of a picture's shape, as wide as there is room and never higher than the window. Layers lie in it by their own
 * percentages; lengths in `cqi` are percents of its width.
 */
export function PictureFrame({ aspect, className, style, children }: PictureFrameProps) {
  return (
    <div className={classes.stage}>
      <div className={`${classes.frame} ${className ?? ""}`} style={{ ...style, "--aspect": aspect } as CSSProperties}>
        {children}
      </div>
    </div>
  );
}
