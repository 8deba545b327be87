import { Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Metrics } from "@/api/metrics";
import { texts } from "@/texts";
import classes from "./label-cloud.module.css";

const SMALLEST_REM = 0.8;
const LARGEST_REM = 2;

/** The most frequent labels by name, the more pictures have one the larger; each leads to its pictures. */
export function LabelCloud({ labels }: { labels: Metrics["labels"] }) {
  if (!labels.length) {
    return <Text c="dimmed">{texts.metrics.noLabels}</Text>;
  }
  const counts = labels.map(({ count }) => Math.log(count));
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const sizeOf = (count: number) =>
    SMALLEST_REM + ((Math.log(count) - least) / (most - least || 1)) * (LARGEST_REM - SMALLEST_REM);
  return (
    <ul className={classes.cloud}>
      {labels
        .toSorted((one, other) => one.name.localeCompare(other.name))
        .map(({ name, count }) => (
          <li key={name}>
            <Link
              to="/"
              search={{ label: name }}
              aria-label={texts.metrics.label(name, count)}
              title={texts.metrics.label(name, count)}
              style={{ fontSize: `${sizeOf(count)}rem` }}
            >
              {name}
            </Link>
          </li>
        ))}
    </ul>
  );
}
