import { Stack, VisuallyHidden } from "@mantine/core";
import type { Result } from "@/api/results";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatNumber, formatShare } from "@/texts/format";
import classes from "./colors-panel.module.css";
import { ConfidenceBars } from "./confidence-bars";
import { copyText } from "./copy-text";

const QUALITIES = ["sharpness", "brightness", "contrast"] as const;

export function ColorsPanel({ properties }: { properties: NonNullable<Result["properties"]> }) {
  return (
    <Panel title={texts.result.colors}>
      <Stack gap="md">
        <ul className={classes.colors}>
          {properties.dominant_colors.map(({ hex, name, percent }) => (
            <li key={hex}>
              <button
                type="button"
                className={classes.color}
                title={texts.result.copy}
                onClick={() => copyText(hex, hex)}
              >
                <VisuallyHidden>{texts.result.copy}</VisuallyHidden>
                <span className={classes.swatch} style={{ background: hex }} />
                <span>{hex}</span>
                <span className={classes.name}>{name}</span>
                <span className={classes.share}>{formatShare(percent / 100)}</span>
              </button>
            </li>
          ))}
        </ul>
        <ConfidenceBars
          bars={QUALITIES.map((quality) => ({
            key: quality,
            name: texts.result.qualities[quality],
            percent: properties[quality],
            value: texts.result.outOf100(formatNumber(Math.round(properties[quality]))),
          }))}
        />
      </Stack>
    </Panel>
  );
}
