import { VisuallyHidden } from "@mantine/core";
import type { ReactNode, Ref } from "react";
import { texts } from "@/texts";
import { PictureCardSkeleton } from "./picture-card";
import classes from "./picture-grid.module.css";

interface PictureGridProps {
  ref?: Ref<HTMLUListElement>;
  label: string;
  isOutdated?: boolean;
  children: ReactNode;
}

/** Cards side by side, as many as there is room for. */
export function PictureGrid({ ref, label, isOutdated, children }: PictureGridProps) {
  return (
    <ul ref={ref} tabIndex={-1} className={classes.grid} aria-label={label} data-outdated={isOutdated || undefined}>
      {children}
    </ul>
  );
}

export function PictureGridSkeleton() {
  return (
    <>
      <div className={classes.bar} role="status">
        <VisuallyHidden>{texts.common.loading}</VisuallyHidden>
      </div>
      <div className={classes.grid} aria-hidden>
        {Array.from({ length: 12 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and stay in place
          <PictureCardSkeleton key={index} />
        ))}
      </div>
    </>
  );
}
