import { ActionIcon, Anchor, Group, Paper, Text } from "@mantine/core";
import { IconPhoto, IconRefresh, IconX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { ResultSummary } from "@/api/results";
import { texts } from "@/texts";
import { formatBytes } from "@/texts/format";
import { PictureProgress } from "./picture-progress";
import { SendingProgress } from "./sending-progress";
import { isActive, type Upload } from "./upload-queue";
import classes from "./upload-row.module.css";
import { useUploadQueue } from "./uploads-provider";
import { usePreview } from "./use-preview";

const THUMBNAIL_SIZE = 64;

interface UploadRowProps {
  upload: Upload;
  /** What the API says of it, once it has arrived. */
  picture: ResultSummary | undefined;
  onRemove: (isRemoved: (upload: Upload) => boolean) => void;
}

/** One file; it is drawn again only when it has changed itself, since progress comes many times a second. */
export const UploadRow = memo(function UploadRow({ upload, picture, onRemove }: UploadRowProps) {
  const { phase, file } = upload;
  return (
    <Paper component="li" withBorder radius="lg" className={classes.row} aria-label={file.name}>
      <Thumbnail file={file} picture={picture} />
      <div className={classes.body}>
        <Group gap="xs" wrap="nowrap">
          <Text fw={600} truncate title={file.name}>
            {phase.state === "sent" ? (
              <Anchor
                inherit
                aria-label={texts.upload.openResult(file.name)}
                renderRoot={(props) => <Link to="/results/$imageId" params={{ imageId: phase.imageId }} {...props} />}
              >
                {file.name}
              </Anchor>
            ) : (
              file.name
            )}
          </Text>
          <Text size="sm" c="dimmed" className={classes.size}>
            {formatBytes(file.size)}
          </Text>
        </Group>
        {phase.state === "sent" ? (
          <PictureProgress name={file.name} picture={picture} sentAt={phase.sentAt} />
        ) : (
          <SendingProgress upload={upload} phase={phase} />
        )}
      </div>
      <Actions upload={upload} onRemove={() => onRemove(({ id }) => id === upload.id)} />
    </Paper>
  );
});

function Thumbnail({ file, picture }: { file: File; picture: ResultSummary | undefined }) {
  const preview = usePreview(file);
  const cutout = picture?.cutout_thumbnail?.url;
  const url = cutout ?? preview;
  return (
    <div className={cutout ? `${classes.thumbnail} checkerboard` : classes.thumbnail}>
      {url ? (
        <img
          src={url}
          alt=""
          width={THUMBNAIL_SIZE}
          height={THUMBNAIL_SIZE}
          decoding="async"
          data-cutout={cutout && true}
        />
      ) : (
        <IconPhoto size={28} aria-hidden />
      )}
    </div>
  );
}

function Actions({ upload, onRemove }: { upload: Upload; onRemove: () => void }) {
  const queue = useUploadQueue();
  const { id, file, phase } = upload;
  const canRetry = phase.state === "failed" || phase.state === "cancelled";
  return (
    <Group gap={4} wrap="nowrap">
      {canRetry && (
        <ActionIcon
          variant="light"
          size="lg"
          aria-label={texts.upload.retry(file.name)}
          onClick={() => queue.retry(id)}
        >
          <IconRefresh size={20} />
        </ActionIcon>
      )}
      {isActive(upload) ? (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={texts.upload.cancel(file.name)}
          onClick={() => queue.cancel(id)}
        >
          <IconX size={20} />
        </ActionIcon>
      ) : (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={texts.upload.remove(file.name)}
          onClick={onRemove}
        >
          <IconX size={20} />
        </ActionIcon>
      )}
    </Group>
  );
}
