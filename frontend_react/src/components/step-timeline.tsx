import { Text, VisuallyHidden } from "@mantine/core";
import {
  type Icon,
  IconCircle,
  IconCircleCheckFilled,
  IconCircleXFilled,
  IconFlame,
  IconLoader2,
  IconMinus,
} from "@tabler/icons-react";
import type { Status } from "@/api/results";
import { isUnfinished } from "@/api/results";
import { elapsedMs, isRunning, isStuck, STEP_NAMES, type StepProgress, type Steps } from "@/api/steps";
import { texts } from "@/texts";
import { formatDuration } from "@/texts/format";
import classes from "./step-timeline.module.css";
import { useNow } from "./use-now";

type State = StepProgress["state"] | "waiting" | "skipped";

const ICONS: Record<State, Icon> = {
  waiting: IconCircle,
  running: IconLoader2,
  warming: IconFlame,
  done: IconCircleCheckFilled,
  failed: IconCircleXFilled,
  skipped: IconMinus,
};

/** The steps of a picture's workflow: how far each is, its time and tries, and in words what is wrong with it. */
export function StepTimeline({ steps, status }: { steps: Steps; status: Status }) {
  const isLive = isUnfinished(status);
  const now = useNow(isLive && Object.values(steps).some(isRunning));
  return (
    <ol className={classes.steps} aria-label={texts.status.stepsOf}>
      {STEP_NAMES.map((name) => (
        <Step key={name} name={name} step={steps[name]} isLive={isLive} now={now} />
      ))}
    </ol>
  );
}

function Step({ name, step, isLive, now }: { name: string; step?: StepProgress; isLive: boolean; now: number }) {
  const state = stateOf(step, isLive);
  const StateIcon = ICONS[state];
  return (
    <li className={classes.step} data-state={state}>
      <StateIcon size={20} className={classes.icon} aria-hidden />
      <Text component="span" size="sm" fw={state === "running" || state === "warming" ? 600 : undefined}>
        {texts.status.steps[name]}
        <VisuallyHidden>: {texts.status.stepStates[state]}</VisuallyHidden>
      </Text>
      {step && <Time step={step} isLive={isLive} now={now} />}
      {step && <Remark step={step} isLive={isLive} now={now} />}
    </li>
  );
}

function Time({ step, isLive, now }: { step: StepProgress; isLive: boolean; now: number }) {
  const elapsed = elapsedMs(step, now);
  const shown = isRunning(step) ? Math.floor(elapsed / 1_000) * 1_000 : elapsed;
  return (
    <Text component="span" size="sm" c="dimmed" className={classes.time}>
      {step.attempts > 1 && `${texts.status.tries(step.attempts)} · `}
      {step.ended_at || (isLive && shown > 0) ? formatDuration(shown) : null}
    </Text>
  );
}

function Remark({ step, isLive, now }: { step: StepProgress; isLive: boolean; now: number }) {
  const remark = remarkOf(step, isLive, now);
  return (
    remark && (
      <Text size="sm" c="dimmed" className={classes.remark}>
        {remark}
      </Text>
    )
  );
}

function stateOf(step: StepProgress | undefined, isLive: boolean): State {
  if (!step) {
    return isLive ? "waiting" : "skipped";
  }
  return !isLive && isRunning(step) ? "skipped" : step.state;
}

function remarkOf(step: StepProgress, isLive: boolean, now: number): string | null {
  if (isLive && isStuck(step, now)) {
    return texts.status.stuck;
  }
  if (isLive && step.state === "warming") {
    return texts.status.warming;
  }
  if (step.state === "failed") {
    return [step.reason, isLive && texts.status.willRetry].filter(Boolean).join(" ");
  }
  return null;
}
