import type { Result } from "@/api/results";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import { ConfidenceBars } from "./confidence-bars";

export function TextPanel({ lines }: { lines: Result["text"] }) {
  return (
    <Panel title={texts.result.text}>
      <ConfidenceBars
        bars={lines.map(({ text, confidence }, index) => ({
          key: `${index} ${text}`,
          name: text,
          percent: confidence,
          value: formatShare(confidence / 100),
        }))}
      />
    </Panel>
  );
}
