import { Stack, Text } from "@mantine/core";
import type { Metrics } from "@/api/metrics";
import { STEP_NAMES } from "@/api/steps";
import { texts } from "@/texts";
import { formatDuration } from "@/texts/format";
import classes from "./step-times.module.css";

/** How long each step takes: the median as a full bar, up to the 95th percentile as a pale one. */
export function StepTimes({ steps }: { steps: Metrics["steps"] }) {
  const rows = STEP_NAMES.flatMap((name) => (steps[name] ? [{ ...steps[name], name }] : []));
  const longest = Math.max(...rows.map(({ p95_ms }) => p95_ms));
  if (!rows.length) {
    return <Text c="dimmed">{texts.metrics.noSteps}</Text>;
  }
  return (
    <Stack gap="sm">
      <table className={classes.steps}>
        <thead>
          <tr>
            <th scope="col">{texts.metrics.step}</th>
            <th scope="col">{texts.metrics.median}</th>
            <th scope="col">{texts.metrics.p95}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, median_ms, p95_ms }) => (
            <tr key={name}>
              <th scope="row">
                {texts.status.steps[name]}
                <div className={classes.p95} style={{ width: `${(100 * p95_ms) / longest}%` }}>
                  <div className={classes.median} style={{ width: `${(100 * median_ms) / p95_ms}%` }} />
                </div>
              </th>
              <td>{formatDuration(median_ms)}</td>
              <td>{formatDuration(p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Text size="sm" c="dimmed">
        {texts.metrics.stepsDetail}
      </Text>
    </Stack>
  );
}
