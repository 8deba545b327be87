import type { Schema } from "./client";

export type StepProgress = Schema<"StepProgress">;
export type Steps = Record<string, StepProgress>;

/** The steps of the workflow in their order; the second and third run side by side. */
export const STEP_NAMES = ["validate_image", "infer_mask", "analyze_image", "apply_mask", "save_result"] as const;

export type StepName = (typeof STEP_NAMES)[number];

const STUCK_MS = 2 * 60_000;
/** A server that is switched off while nobody needs it takes some minutes to start. */
const STUCK_WARMING_MS = 15 * 60_000;

/** How long a step has taken so far, all its tries together, in milliseconds. */
export function elapsedMs({ started_at, ended_at }: StepProgress, now: number): number {
  return Math.max(0, (ended_at ? Date.parse(ended_at) : now) - Date.parse(started_at));
}

export const isRunning = ({ state }: StepProgress): boolean => state === "running" || state === "warming";

/** Whether a step runs far longer than steps do. */
export function isStuck(step: StepProgress, now: number): boolean {
  return isRunning(step) && elapsedMs(step, now) > (step.state === "warming" ? STUCK_WARMING_MS : STUCK_MS);
}

/** The step that says most about a picture now: one that runs, else the last one that has begun. */
export function currentStep(steps: Steps): (StepProgress & { name: StepName }) | undefined {
  const begun = STEP_NAMES.flatMap((name) => (steps[name] ? [{ ...steps[name], name }] : []));
  return begun.find(isRunning) ?? begun.at(-1);
}

/** From the beginning of the first step to the end of the last, in milliseconds; null before anything has ended. */
export function spanMs(steps: Steps): number | null {
  const all = Object.values(steps);
  const ends = all.flatMap(({ ended_at }) => (ended_at ? [Date.parse(ended_at)] : []));
  return ends.length ? Math.max(...ends) - Math.min(...all.map(({ started_at }) => Date.parse(started_at))) : null;
}
