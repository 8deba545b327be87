import { SimpleGrid, Skeleton, VisuallyHidden } from "@mantine/core";
import { texts } from "@/texts";
import classes from "./metrics-page.module.css";

/** The page's panels while their numbers are on their way. */
export function MetricsSkeleton() {
  return (
    <div className={classes.panels} role="status">
      <VisuallyHidden>{texts.common.loading}</VisuallyHidden>
      <SimpleGrid cols={2} className={classes.wide}>
        <Skeleton height={122} radius="lg" />
        <Skeleton height={122} radius="lg" />
      </SimpleGrid>
      <Skeleton height={394} radius="lg" className={classes.wide} />
      <Skeleton height={300} radius="lg" />
      <Skeleton height={300} radius="lg" />
    </div>
  );
}
