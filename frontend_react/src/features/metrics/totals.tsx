import { Paper, SimpleGrid, Text } from "@mantine/core";
import type { Metrics } from "@/api/metrics";
import { texts } from "@/texts";
import { formatNumber, formatShare } from "@/texts/format";
import classes from "./metrics-page.module.css";

/** The numbers to know first. */
export function Totals({ metrics }: { metrics: Metrics }) {
  const { pictures, success_share, by_status, days } = metrics;
  const succeeded = (by_status.SUCCEEDED ?? 0) + (by_status.PARTIAL ?? 0);
  const unfinished = (by_status.AWAITING_UPLOAD ?? 0) + (by_status.PROCESSING ?? 0);
  const perDay = Math.round((10 * pictures) / days.length) / 10;
  return (
    <SimpleGrid component="dl" cols={2} m={0} className={classes.wide}>
      <Total
        name={texts.metrics.pictures}
        value={formatNumber(pictures)}
        detail={texts.metrics.perDay(formatNumber(perDay))}
      />
      <Total
        name={texts.metrics.success}
        value={success_share === null ? "–" : formatShare(success_share)}
        detail={
          success_share === null
            ? texts.metrics.noneEnded
            : texts.metrics.ofEnded(formatNumber(succeeded), formatNumber(pictures - unfinished))
        }
      />
    </SimpleGrid>
  );
}

function Total({ name, value, detail }: { name: string; value: string; detail: string }) {
  return (
    <Paper withBorder radius="lg" p="md">
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" m={0} fz={28} fw={650}>
        {value}
      </Text>
      <Text component="dd" m={0} size="sm" c="dimmed">
        {detail}
      </Text>
    </Paper>
  );
}
