import { Button, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useCallback, useId, useRef } from "react";
import { isUnfinished } from "@/api/results";
import { useUploadedPictures } from "@/api/uploads";
import { texts } from "@/texts";
import { Announcement } from "./announcement";
import { shareOf, totalsOf } from "./totals";
import classes from "./upload-list.module.css";
import type { Upload } from "./upload-queue";
import { UploadRow } from "./upload-row";
import { useUploadQueue } from "./uploads-provider";

interface UploadListProps {
  uploads: readonly Upload[];
  onStart: () => void;
}

/** The chosen files on their way, from here to their results. */
export function UploadList({ uploads, onStart }: UploadListProps) {
  const queue = useUploadQueue();
  const titleId = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const pictures = useUploadedPictures(uploads.flatMap(({ phase }) => (phase.state === "sent" ? [phase.imageId] : [])));
  const pictureOf = ({ phase }: Upload) => (phase.state === "sent" ? pictures.data?.[phase.imageId] : undefined);
  const isFinished = (upload: Upload): boolean => {
    const picture = pictureOf(upload);
    return upload.phase.state === "refused" || (picture !== undefined && !isUnfinished(picture.status));
  };
  const chosenCount = uploads.filter(({ phase }) => phase.state === "chosen").length;

  const remove = useCallback(
    (isRemoved: (upload: Upload) => boolean) => {
      queue.remove(isRemoved);
      title.current?.focus();
    },
    [queue],
  );

  return (
    <section aria-labelledby={titleId}>
      <Group justify="space-between" mb="sm" mih={36}>
        <Title order={2} size="h4" id={titleId} ref={title} tabIndex={-1} className={classes.title}>
          {texts.upload.list}
        </Title>
        <Group gap="xs">
          {uploads.some(isFinished) && (
            <Button variant="subtle" onClick={() => remove(isFinished)}>
              {texts.upload.clear}
            </Button>
          )}
          {chosenCount > 0 && (
            <Button leftSection={<IconUpload size={18} aria-hidden />} onClick={onStart}>
              {texts.upload.start(chosenCount)}
            </Button>
          )}
        </Group>
      </Group>
      <Total uploads={uploads} />
      {(pictures.isError || pictures.failureCount > 1) && (
        <Text size="sm" c="dimmed" mb="sm" role="status">
          {texts.upload.noPolling}
        </Text>
      )}
      <ul className={classes.list}>
        {uploads.map((upload) => (
          <UploadRow key={upload.id} upload={upload} picture={pictureOf(upload)} onRemove={remove} />
        ))}
      </ul>
      <Announcement uploads={uploads} pictures={uploads.flatMap((upload) => pictureOf(upload) ?? [])} />
    </section>
  );
}

function Total({ uploads }: { uploads: readonly Upload[] }) {
  const totals = totalsOf(uploads);
  if (!totals.isActive) {
    return null;
  }
  return (
    <Stack gap={6} mb="md">
      <Progress
        value={shareOf(totals.sentBytes, totals.bytes) * 100}
        size="lg"
        aria-label={texts.upload.total}
        transitionDuration={200}
      />
      <Text size="sm" c="dimmed" className={classes.numbers}>
        {texts.upload.totalSent(totals.sentFiles, totals.files, totals.sentBytes, totals.bytes)}
      </Text>
    </Stack>
  );
}
