import { Badge } from "@mantine/core";
import type { Schema } from "@/api/client";
import { texts } from "@/texts";

type Status = Schema<"Status">;

const COLORS: Record<Status, string> = {
  AWAITING_UPLOAD: "gray",
  PROCESSING: "iris",
  SUCCEEDED: "teal",
  PARTIAL: "yellow",
  REJECTED: "orange",
  BLOCKED: "red",
  FAILED: "red",
};

export function StatusBadge({ status }: { status: Status }) {
  return (
    <Badge color={COLORS[status]} variant="light" tt="none">
      {texts.status.statuses[status].name}
    </Badge>
  );
}
