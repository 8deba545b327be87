import { Button, Collapse, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconPlayerPlay } from "@tabler/icons-react";
import { useId } from "react";
import { hasResults, isUnfinished, type ResultSummary, useResumeResult } from "@/api/results";
import { currentStep, elapsedMs, isStuck, type StepName, type StepProgress, spanMs } from "@/api/steps";
import { StatusBadge } from "@/components/status-badge";
import { StepTimeline } from "@/components/step-timeline";
import { useNow } from "@/components/use-now";
import { texts } from "@/texts";
import { formatDuration } from "@/texts/format";
import classes from "./picture-progress.module.css";
import { StepStrip } from "./step-strip";

/** A picture whose processing has not begun after so long is worth a word. */
const LATE_MS = 2 * 60_000;

interface PictureProgressProps {
  name: string;
  sentAt: number;
  picture: ResultSummary | undefined;
}

/** A picture in the workflow: the step it is at, then how it ended and what to do. */
export function PictureProgress({ name, sentAt, picture }: PictureProgressProps) {
  const isLive = !picture || isUnfinished(picture.status);
  const now = useNow(isLive);
  const [isOpen, { toggle }] = useDisclosure(false);
  const stepsId = useId();
  if (!picture || picture.status === "AWAITING_UPLOAD") {
    return (
      <Text size="sm" c="dimmed">
        {now - sentAt > LATE_MS ? texts.upload.neverBegan : texts.upload.arrived}
      </Text>
    );
  }
  const step = isLive ? currentStep(picture.steps) : undefined;
  const isLate = step !== undefined && isStuck(step, now);
  return (
    <>
      <Group gap="xs">
        <StatusBadge status={picture.status} />
        <Text size="sm" c="dimmed" className={classes.numbers}>
          {isLive ? stepWords(step, now) : spanWords(picture)}
        </Text>
        {(picture.status === "FAILED" || isLate) && <StartAgain name={name} imageId={picture.image_id} />}
        <Button
          size="compact-sm"
          variant="subtle"
          className={classes.toggle}
          rightSection={<IconChevronDown size={16} className={classes.chevron} aria-hidden />}
          aria-expanded={isOpen}
          aria-controls={stepsId}
          aria-label={texts.upload.stepsOf(name)}
          onClick={toggle}
        >
          {texts.upload.showSteps}
        </Button>
      </Group>
      {isLive && <StepStrip steps={picture.steps} />}
      {!isLive && picture.status !== "SUCCEEDED" && (
        <Text size="sm" className={hasResults(picture.status) ? undefined : classes.reason}>
          {picture.status_reason} {texts.status.statuses[picture.status].meaning}
        </Text>
      )}
      {isLate && (
        <Text size="sm" className={classes.reason}>
          {texts.status.stuck}
        </Text>
      )}
      <Collapse expanded={isOpen} id={stepsId}>
        <StepTimeline steps={picture.steps} status={picture.status} />
      </Collapse>
    </>
  );
}

function stepWords(step: (StepProgress & { name: StepName }) | undefined, now: number): string {
  if (!step) {
    return texts.status.statuses.PROCESSING.meaning;
  }
  const seconds = Math.floor(elapsedMs(step, now) / 1_000);
  return [
    texts.status.steps[step.name],
    step.state === "warming" && texts.status.stepStates.warming,
    step.attempts > 1 && texts.status.tries(step.attempts),
    seconds > 0 && formatDuration(seconds * 1_000),
  ]
    .filter(Boolean)
    .join(" · ");
}

function spanWords({ steps }: ResultSummary): string | null {
  const span = spanMs(steps);
  return span === null ? null : texts.upload.took(formatDuration(span));
}

function StartAgain({ name, imageId }: { name: string; imageId: string }) {
  const resumption = useResumeResult();
  return (
    <>
      <Button
        size="compact-sm"
        variant="light"
        leftSection={<IconPlayerPlay size={16} aria-hidden />}
        loading={resumption.isPending}
        aria-label={texts.upload.startAgain(name)}
        onClick={() => resumption.mutate(imageId)}
      >
        {texts.status.startAgain}
      </Button>
      {resumption.isError && (
        <Text size="sm" className={classes.reason} role="alert">
          {resumption.error.message}
        </Text>
      )}
    </>
  );
}
