import { Anchor, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Result } from "@/api/results";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import { ConfidenceBars } from "./confidence-bars";

/** What the picture shows; each label leads to all pictures that have it. */
export function LabelsPanel({ labels }: { labels: Result["labels"] }) {
  return (
    <Panel title={texts.result.labels}>
      {labels.length ? (
        <ConfidenceBars
          bars={labels.map(({ name, confidence }) => ({
            key: name,
            name: (
              <Anchor renderRoot={(props) => <Link to="/" search={{ label: name }} {...props} />} c="inherit">
                {name}
              </Anchor>
            ),
            percent: confidence,
            value: formatShare(confidence / 100),
          }))}
        />
      ) : (
        <Text size="sm" c="dimmed">
          {texts.result.noLabels}
        </Text>
      )}
    </Panel>
  );
}
