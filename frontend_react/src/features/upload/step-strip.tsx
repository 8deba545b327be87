import { STEP_NAMES, type Steps } from "@/api/steps";
import classes from "./step-strip.module.css";

/** The steps at a glance, for the eye alone: the words beside it and the timeline say the same. */
export function StepStrip({ steps }: { steps: Steps }) {
  return (
    <div className={classes.strip} aria-hidden>
      {STEP_NAMES.map((name) => (
        <span key={name} data-state={steps[name]?.state} />
      ))}
    </div>
  );
}
