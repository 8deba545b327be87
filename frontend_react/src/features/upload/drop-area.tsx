import { Button, type ButtonProps, FileButton, Group, Paper, Text, ThemeIcon } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { type Icon, IconCamera, IconPhotoPlus, IconUpload } from "@tabler/icons-react";
import { useRef } from "react";
import type { Intake } from "@/api/intake";
import { texts } from "@/texts";
import classes from "./drop-area.module.css";
import { useFilePaste } from "./use-file-paste";

interface DropAreaProps {
  intake: Intake;
  onFiles: (files: File[]) => void;
}

/** Every way of choosing pictures: dropped anywhere on the page, pasted, picked, or taken with a phone's camera. */
export function DropArea({ intake, onFiles }: DropAreaProps) {
  // A phone turns its HEIC pictures into JPEG when it is told what is taken.
  const accept = intake.accepted_types.join(",");
  useFilePaste(onFiles);
  return (
    <Paper className={classes.area} radius="lg">
      <ThemeIcon size={56} radius="xl" variant="light">
        <IconPhotoPlus size={28} aria-hidden />
      </ThemeIcon>
      <div>
        <Text fw={600} size="lg" visibleFrom="xs">
          {texts.upload.drop}
        </Text>
        <Text size="sm" c="dimmed" visibleFrom="xs">
          {texts.upload.paste}
        </Text>
        <Text size="sm" c="dimmed">
          {texts.upload.taken(intake.accepted_types, intake.max_size_bytes)}
        </Text>
      </div>
      <Group justify="center">
        <PickButton accept={accept} onFiles={onFiles} icon={IconUpload} name={texts.upload.choose} multiple />
        <PickButton
          accept={accept}
          onFiles={onFiles}
          icon={IconCamera}
          name={texts.upload.takePhoto}
          capture="environment"
          variant="default"
          className={classes.camera}
        />
      </Group>
      <Dropzone.FullScreen
        onDrop={onFiles}
        activateOnKeyboard={false}
        withinPortal={false}
        classNames={{ root: classes.target }}
        inputProps={{ "aria-hidden": true, tabIndex: -1 }}
      >
        <div className={classes.overlay} aria-hidden>
          <IconPhotoPlus size={64} aria-hidden />
          <Text size="xl" fw={600}>
            {texts.upload.dropNow}
          </Text>
        </div>
      </Dropzone.FullScreen>
    </Paper>
  );
}

interface PickButtonProps extends Pick<ButtonProps, "variant" | "className"> {
  name: string;
  icon: Icon;
  accept: string;
  onFiles: (files: File[]) => void;
  multiple?: boolean;
  capture?: "environment";
}

function PickButton({ name, icon: ButtonIcon, accept, onFiles, multiple = false, capture, ...look }: PickButtonProps) {
  const reset = useRef<() => void>(null);
  function pick(picked: File | File[] | null) {
    onFiles([picked ?? []].flat());
    // Else the same file could not be picked again: its input would not change.
    reset.current?.();
  }
  return (
    <FileButton multiple={multiple} accept={accept} capture={capture} resetRef={reset} onChange={pick}>
      {(button) => (
        <Button {...button} {...look} leftSection={<ButtonIcon size={18} aria-hidden />}>
          {name}
        </Button>
      )}
    </FileButton>
  );
}
