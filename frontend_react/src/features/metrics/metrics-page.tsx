import { Alert, Button, Flex, SegmentedControl, Stack, Title } from "@mantine/core";
import { IconChartBarOff, IconInfoCircle, IconUpload } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Metrics, useMetrics } from "@/api/metrics";
import { LoadFailed } from "@/components/load-failed";
import { Message } from "@/components/message";
import { usePageTitle } from "@/components/page-title";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatNumber } from "@/texts/format";
import { DailyChart } from "./daily-chart";
import { LabelCloud } from "./label-cloud";
import classes from "./metrics-page.module.css";
import { MetricsSkeleton } from "./metrics-skeleton";
import { StatusCounts } from "./status-counts";
import { StepTimes } from "./step-times";
import { Totals } from "./totals";

const RANGES = [7, 30, 90];

/** How the pictures of the last days went, in numbers. */
export function MetricsPage() {
  const [days, setDays] = useState(30);
  usePageTitle(texts.metrics.title);
  return (
    <Stack gap="md">
      <Flex direction={{ base: "column", xs: "row" }} justify="space-between" gap="sm">
        <Title order={1} size="h2">
          {texts.metrics.title}
        </Title>
        <SegmentedControl
          aria-label={texts.metrics.range}
          value={String(days)}
          onChange={(value) => setDays(Number(value))}
          data={RANGES.map((range) => ({ value: String(range), label: texts.metrics.days(range) }))}
        />
      </Flex>
      <Numbers days={days} />
    </Stack>
  );
}

function Numbers({ days }: { days: number }) {
  const { data: metrics, error, refetch, isPlaceholderData } = useMetrics(days);
  if (!metrics) {
    return error ? <LoadFailed error={error} onRetry={refetch} /> : <MetricsSkeleton />;
  }
  if (!metrics.pictures) {
    return (
      <Message
        icon={IconChartBarOff}
        title={texts.metrics.empty}
        detail={texts.metrics.emptyDetail(days)}
        role="status"
      >
        <Button component={Link} to="/upload" leftSection={<IconUpload size={18} aria-hidden />}>
          {texts.metrics.upload}
        </Button>
      </Message>
    );
  }
  return (
    <div className={classes.panels} data-outdated={isPlaceholderData || undefined}>
      <Panels metrics={metrics} />
    </div>
  );
}

function Panels({ metrics }: { metrics: Metrics }) {
  return (
    <>
      {!metrics.complete && (
        <Alert className={classes.wide} icon={<IconInfoCircle aria-hidden />} variant="light">
          {texts.metrics.incomplete(formatNumber(metrics.pictures))}
        </Alert>
      )}
      <Totals metrics={metrics} />
      <div className={classes.wide}>
        <Panel title={texts.metrics.daily}>
          <DailyChart days={metrics.days} />
        </Panel>
      </div>
      <Panel title={texts.metrics.steps}>
        <StepTimes steps={metrics.steps} />
      </Panel>
      <Panel title={texts.metrics.statuses}>
        <StatusCounts counts={metrics.by_status} total={metrics.pictures} />
      </Panel>
      <div className={classes.wide}>
        <Panel title={texts.metrics.cloud}>
          <LabelCloud labels={metrics.labels} />
        </Panel>
      </div>
    </>
  );
}
