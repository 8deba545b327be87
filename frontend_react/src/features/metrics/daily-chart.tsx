import { ScrollArea, Table, Text } from "@mantine/core";
import type { Metrics } from "@/api/metrics";
import { texts } from "@/texts";
import { formatDay, formatNumber } from "@/texts/format";
import classes from "./daily-chart.module.css";

type Day = Metrics["days"][number];

const BAR_WIDTH = 0.7;
const MAX_DATES = 6;

/** A bar a day, of its pictures by how they ended; and the same as a table. */
export function DailyChart({ days }: { days: Day[] }) {
  const top = niceCeiling(Math.max(...days.map(({ pictures }) => pictures)));
  return (
    <>
      <Legend />
      <div className={classes.chart}>
        <Scale top={top} />
        <svg
          className={classes.bars}
          viewBox={`0 0 ${days.length} ${top}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={summaryOf(days)}
        >
          {days.map((day, index) => (
            <Bar key={day.date} day={day} left={index} top={top} />
          ))}
        </svg>
        <Dates days={days} />
      </div>
      <details className={classes.details}>
        <summary>{texts.metrics.table}</summary>
        <DailyTable days={days} />
      </details>
    </>
  );
}

function Bar({ day, left, top }: { day: Day; left: number; top: number }) {
  const parts = [
    { name: "succeeded", height: day.succeeded },
    { name: "other", height: day.pictures - day.succeeded - day.failed },
    { name: "failed", height: day.failed },
  ];
  let y = top;
  return (
    <g className={classes.day}>
      <title>
        {texts.metrics.day(
          formatDay(day.date),
          formatNumber(day.pictures),
          formatNumber(day.succeeded),
          formatNumber(day.failed),
        )}
      </title>
      <rect className={classes.column} x={left} y={0} width={1} height={top} />
      {parts.map(({ name, height }) => {
        y -= height;
        return (
          <rect
            key={name}
            className={classes[name]}
            x={left + (1 - BAR_WIDTH) / 2}
            y={y}
            width={BAR_WIDTH}
            height={height}
          />
        );
      })}
    </g>
  );
}

function Legend() {
  return (
    <ul className={classes.legend}>
      {(["succeeded", "other", "failed"] as const).map((part) => (
        <li key={part}>
          <span className={classes.swatch} data-part={part} />
          {texts.metrics[part]}
        </li>
      ))}
    </ul>
  );
}

/** Lines across the chart, with their numbers. */
function Scale({ top }: { top: number }) {
  const ticks = top % 2 ? [0, top] : [0, top / 2, top];
  return (
    <div className={classes.scale} aria-hidden>
      {ticks.map((tick) => (
        <span key={tick} className={classes.tick} style={{ bottom: `${(100 * tick) / top}%` }}>
          {formatNumber(tick)}
        </span>
      ))}
    </div>
  );
}

/** Some of the dates, the last one among them. */
function Dates({ days }: { days: Day[] }) {
  const every = Math.ceil(days.length / MAX_DATES);
  return (
    <div className={classes.dates} aria-hidden>
      {days.map(
        ({ date }, index) =>
          (days.length - 1 - index) % every === 0 && (
            <span key={date} style={{ left: `${(100 * (index + 0.5)) / days.length}%` }}>
              {formatDay(date)}
            </span>
          ),
      )}
    </div>
  );
}

function DailyTable({ days }: { days: Day[] }) {
  return (
    <ScrollArea.Autosize
      mah={360}
      mt="xs"
      viewportProps={{ tabIndex: 0, role: "region", "aria-label": texts.metrics.tableName }}
    >
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{texts.metrics.date}</Table.Th>
            <Table.Th ta="right">{texts.metrics.all}</Table.Th>
            <Table.Th ta="right">{texts.metrics.succeeded}</Table.Th>
            <Table.Th ta="right">{texts.metrics.failed}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {days.toReversed().map(({ date, pictures, succeeded, failed }) => (
            <Table.Tr key={date}>
              <Table.Th scope="row" fw={400}>
                {formatDay(date)}
              </Table.Th>
              <Table.Td ta="right">{formatNumber(pictures)}</Table.Td>
              <Table.Td ta="right">{formatNumber(succeeded)}</Table.Td>
              <Table.Td ta="right">{formatNumber(failed)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed" mt="xs">
        {texts.metrics.utc}
      </Text>
    </ScrollArea.Autosize>
  );
}

function summaryOf(days: Day[]): string {
  const total = days.reduce((sum, { pictures }) => sum + pictures, 0);
  const busiest = days.reduce((most, day) => (day.pictures > most.pictures ? day : most));
  return texts.metrics.dailySummary(
    total,
    formatDay(days[0]?.date ?? ""),
    formatDay(days.at(-1)?.date ?? ""),
    formatNumber(busiest.pictures),
    formatDay(busiest.date),
  );
}

/** The first of 1, 2, 4, 6, 8, 10, 20, 40, ... that is not below a value. */
export function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * ([1, 2, 4, 6, 8].find((step) => step * power >= value) ?? 10);
}
