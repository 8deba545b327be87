import { Group, Paper, Skeleton, Stack, VisuallyHidden } from "@mantine/core";
import { texts } from "@/texts";
import classes from "./result-page.module.css";

const PANELS = [220, 120, 180];

/** The page's boxes before anything is known. */
export function ResultSkeleton() {
  return (
    <Stack gap="lg">
      <VisuallyHidden role="status">{texts.common.loading}</VisuallyHidden>
      <Stack gap="xs">
        <Skeleton height={16} width={110} />
        <Group justify="space-between">
          <Skeleton height={34} width="min(360px, 60%)" />
          <Skeleton height={36} width={100} />
        </Group>
      </Stack>
      <div className={classes.columns}>
        <Paper withBorder radius="lg" p={{ base: "xs", sm: "md" }}>
          <Skeleton height={36} mb="md" width="min(280px, 100%)" />
          <Skeleton style={{ aspectRatio: "4 / 3", maxHeight: "66dvh" }} height="auto" />
        </Paper>
        <Stack gap="lg">
          {PANELS.map((height) => (
            <Skeleton key={height} height={height} radius="lg" />
          ))}
        </Stack>
      </div>
    </Stack>
  );
}
