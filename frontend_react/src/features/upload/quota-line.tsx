import { Text } from "@mantine/core";
import type { Quota } from "@/api/intake";
import { texts } from "@/texts";

/** How much of today's pictures is used, and where it is all of them, when there are more. */
export function QuotaLine({ quota: { limit, used, resets_at } }: { quota: Quota }) {
  const isOver = used >= limit;
  return (
    <Text size="sm" c={isOver ? undefined : "dimmed"} fw={isOver ? 600 : undefined} ta="center" role="status">
      {texts.upload.quota(used, limit)}
      {isOver && ` ${texts.upload.goesOn(Date.parse(resets_at))}`}
    </Text>
  );
}
