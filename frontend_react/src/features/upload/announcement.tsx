import { VisuallyHidden } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { hasResults, isUnfinished, type ResultSummary } from "@/api/results";
import { texts } from "@/texts";
import type { Phase, Upload } from "./upload-queue";

/** What happens may change many times a second. */
const QUIET_MS = 1_000;

/** Says to screen readers how many files are how far, once it has not changed for a moment. */
export function Announcement({
  uploads,
  pictures,
}: {
  uploads: readonly Upload[];
  pictures: readonly ResultSummary[];
}) {
  const inState = (...states: Phase["state"][]) => uploads.filter(({ phase }) => states.includes(phase.state)).length;
  const done = pictures.filter(({ status }) => hasResults(status)).length;
  const broken = pictures.filter(({ status }) => !hasResults(status) && !isUnfinished(status)).length;
  const [announced] = useDebouncedValue(
    texts.upload.announcement({
      chosen: inState("chosen"),
      sent: inState("sent") - done - broken,
      done,
      failed: inState("refused", "failed") + broken,
    }),
    QUIET_MS,
  );
  return <VisuallyHidden role="status">{announced}</VisuallyHidden>;
}
