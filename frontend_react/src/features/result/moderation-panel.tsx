import { Group, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconAlertTriangle, IconShieldCheck, IconShieldOff, IconShieldX } from "@tabler/icons-react";
import type { Result } from "@/api/results";
import { Panel } from "@/components/panel";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import { ConfidenceBars } from "./confidence-bars";

type Moderation = Result["moderation"];

export function ModerationPanel({ moderation }: { moderation: Moderation }) {
  const { icon: VerdictIcon, color, words } = verdictOf(moderation);
  return (
    <Panel title={texts.result.moderation}>
      <Stack gap="sm">
        <Group gap="sm" wrap="nowrap">
          <ThemeIcon variant="light" color={color}>
            <VerdictIcon size={18} aria-hidden />
          </ThemeIcon>
          <Text size="sm">{words}</Text>
        </Group>
        {moderation && moderation.labels.length > 0 && (
          <ConfidenceBars
            bars={moderation.labels.map(({ name, confidence }) => ({
              key: name,
              name,
              percent: confidence,
              value: formatShare(confidence / 100),
            }))}
          />
        )}
      </Stack>
    </Panel>
  );
}

function verdictOf(moderation: Moderation) {
  if (!moderation) {
    return { icon: IconShieldOff, color: "yellow", words: texts.result.notModerated };
  }
  if (moderation.blocked) {
    return { icon: IconShieldX, color: "red", words: texts.result.blocked };
  }
  return moderation.labels.length
    ? { icon: IconAlertTriangle, color: "yellow", words: texts.result.noticed }
    : { icon: IconShieldCheck, color: "teal", words: texts.result.harmless };
}
