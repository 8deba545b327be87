import { Anchor, Badge, Button, Group, Stack, Text, Title, Tooltip } from "@mantine/core";
import { IconArrowLeft, IconTrash } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import type { Result } from "@/api/results";
import { useDelete } from "@/components/delete-with-undo";
import { StatusBadge } from "@/components/status-badge";
import { texts } from "@/texts";
import { formatAgo, formatDateTime } from "@/texts/format";
import classes from "./result-header.module.css";

export function ResultHeader({ result }: { result: Result }) {
  return (
    <Stack gap={6}>
      <Anchor component={Link} to="/" size="sm" className={classes.back}>
        <IconArrowLeft size={16} aria-hidden />
        {texts.result.toPictures}
      </Anchor>
      <div className={classes.title}>
        <Title order={1} fz={{ base: "h3", sm: "h2" }} lineClamp={3} title={result.file_name} className={classes.name}>
          {result.file_name}
        </Title>
        <DeleteButton result={result} />
      </div>
      <Group gap="xs">
        <StatusBadge status={result.status} />
        {result.needs_review && (
          <Badge color="yellow" variant="light" tt="none">
            {texts.status.needsReview}
          </Badge>
        )}
        <Text size="sm" c="dimmed" title={formatDateTime(result.created_at)}>
          {texts.result.uploaded(formatAgo(result.created_at))}
        </Text>
      </Group>
    </Stack>
  );
}

function DeleteButton({ result }: { result: Result }) {
  const remove = useDelete();
  const navigate = useNavigate();
  const isBusy = result.status === "PROCESSING";
  return (
    <Tooltip label={texts.result.deleteWhenDone} disabled={!isBusy}>
      <Button
        variant="default"
        leftSection={<IconTrash size={16} aria-hidden />}
        data-disabled={isBusy || undefined}
        aria-disabled={isBusy || undefined}
        onClick={() => {
          if (!isBusy) {
            remove([result]);
            navigate({ to: "/" });
          }
        }}
        flex="none"
      >
        {texts.result.delete}
      </Button>
    </Tooltip>
  );
}
