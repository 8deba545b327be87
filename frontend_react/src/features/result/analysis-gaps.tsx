import { Alert, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Result } from "@/api/results";
import { texts } from "@/texts";

/** What the analysis could not tell. */
export function AnalysisGaps({ parts }: { parts: Result["analysis_parts"] }) {
  const named = (status: string) =>
    Object.entries(parts)
      .filter(([, each]) => each === status)
      .map(([part]) => texts.result.parts[part] ?? part);
  const failed = named("FAILED");
  const tooSmall = named("TOO_SMALL");
  return (
    (failed.length > 0 || tooSmall.length > 0) && (
      <Alert icon={<IconAlertTriangle />} color="yellow" radius="lg" title={texts.result.partsFailed}>
        {failed.length > 0 && <Text size="sm">{texts.result.failedParts(failed)}</Text>}
        {tooSmall.length > 0 && <Text size="sm">{texts.result.tooSmallParts(tooSmall)}</Text>}
      </Alert>
    )
  );
}
