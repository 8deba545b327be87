import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./confidence-bars.module.css";

interface Bar {
  key: string;
  name: ReactNode;
  /** From 0 to 100. */
  percent: number;
  value: string;
}

export function ConfidenceBars({ bars }: { bars: Bar[] }) {
  return (
    <ul className={classes.bars}>
      {bars.map(({ key, name, percent, value }) => (
        <li key={key} className={classes.bar}>
          <Text component="span" size="sm" className={classes.name}>
            {name}
          </Text>
          <Text component="span" size="sm" c="dimmed" className={classes.value}>
            {value}
          </Text>
          <span className={classes.track} aria-hidden>
            <span style={{ width: `${percent}%` }} />
          </span>
        </li>
      ))}
    </ul>
  );
}
