import { Stack, Text } from "@mantine/core";
import type { Schema } from "@/api/client";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatDuration, formatNumber, formatShare } from "@/texts/format";
import { Facts } from "./facts";

type MaskFacts = Schema<"MaskFacts">;

const SOFT = 0.1; // of the subject's weight in half-transparent pixels
const VERY_SOFT = 0.3;

export function MaskPanel({ mask }: { mask: MaskFacts }) {
  const { sides, flags } = texts.result;
  return (
    <Panel title={texts.result.mask}>
      <Stack gap="sm">
        {mask.flags.map((flag) => (
          <Text key={flag} size="sm">
            {flags[flag]}
          </Text>
        ))}
        <Facts
          facts={[
            [texts.result.coverage, formatShare(mask.coverage)],
            [texts.result.confidence, formatShare(mask.confidence / 100)],
            [texts.result.edge, edgeOf(mask.edge_softness)],
            [texts.result.pieces, mask.parts == null ? null : formatNumber(mask.parts)],
            [texts.result.touches, texts.result.atSides(mask.touches.map((side) => sides[side]))],
            [texts.result.model, `${mask.model} (${mask.provider.replace("ExecutionProvider", "")})`],
            [texts.result.inference, formatDuration(mask.inference_ms)],
          ]}
        />
      </Stack>
    </Panel>
  );
}

function edgeOf(softness: number | null | undefined): string | null {
  if (softness == null) {
    return null;
  }
  const { hard, soft, verySoft } = texts.result.edges;
  return softness < SOFT ? hard : softness < VERY_SOFT ? soft : verySoft;
}
