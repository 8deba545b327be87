import { Alert, Button, Group, SegmentedControl, Stack, Switch, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconDeviceFloppy } from "@tabler/icons-react";
import { useState } from "react";
import type { Schema } from "@/api/client";
import { type CompositeRequest, type Result, type SignedOutput, useCreateComposite } from "@/api/results";
import { texts } from "@/texts";
import { ColorChoice } from "./color-choice";
import { PictureChoice } from "./picture-choice";
import { type Backdrop, type ChosenPicture, StudioPreview } from "./studio-preview";

type Kind = "color" | "blur" | "picture";

const SHADOW = { opacity: 50, blur: 4, offset_x: 0, offset_y: 4 };
const CROP = { margin: 5 };

interface StudioProps {
  result: Result;
  image: Schema<"ImageFacts">;
  original: string;
  cutout: SignedOutput;
}

/** Tries backgrounds behind the cut-out in the browser; the one that is liked is made at full size by the API. */
export function Studio({ result, image, original, cutout }: StudioProps) {
  const [kind, setKind] = useState<Kind>("color");
  const [color, setColor] = useState("#ffffff");
  const [picture, setPicture] = useState<ChosenPicture>();
  const [hasShadow, setShadow] = useState(false);
  const [isCropped, setCropped] = useState(false);
  const backdrops: Record<Kind, Backdrop | undefined> = { color: { color }, blur: "blur", picture };
  const backdrop = backdrops[kind];
  const options = { shadow: hasShadow ? SHADOW : null, crop: isCropped ? CROP : null };
  const { studio } = texts.result;
  return (
    <Stack gap="md">
      <StudioPreview
        image={image}
        subject={result.mask?.subject ?? undefined}
        original={original}
        cutout={cutout}
        backdrop={backdrop}
        {...options}
      />
      <SegmentedControl
        aria-label={studio.kind}
        value={kind}
        onChange={(chosen) => setKind(chosen as Kind)}
        data={[
          { value: "color", label: studio.color },
          { value: "blur", label: studio.blur },
          { value: "picture", label: studio.picture },
        ]}
        w={{ base: "100%", xs: 320 }}
      />
      {kind === "color" && <ColorChoice value={color} onChange={setColor} properties={result.properties} />}
      {kind === "blur" && (
        <Text size="sm" c="dimmed">
          {studio.blurDetail}
        </Text>
      )}
      {kind === "picture" && <PictureChoice except={result.image_id} value={picture?.imageId} onChange={setPicture} />}
      <Group gap="lg">
        <Switch
          label={studio.shadow}
          checked={hasShadow}
          onChange={(event) => setShadow(event.currentTarget.checked)}
        />
        {result.mask?.subject && (
          <Switch
            label={studio.crop}
            checked={isCropped}
            onChange={(event) => setCropped(event.currentTarget.checked)}
          />
        )}
      </Group>
      <Save imageId={result.image_id} request={backdrop && { background: backgroundOf(backdrop), ...options }} />
    </Stack>
  );
}

function backgroundOf(backdrop: Backdrop): string {
  if (backdrop === "blur") {
    return "blur";
  }
  return "color" in backdrop ? backdrop.color : backdrop.imageId;
}

function Save({ imageId, request }: { imageId: string; request?: CompositeRequest }) {
  const { studio } = texts.result;
  const composite = useCreateComposite(imageId);
  // The promise, since a callback of `mutate` is not called any more once another view is chosen.
  const save = (asked: CompositeRequest) =>
    composite.mutateAsync(asked).then(
      () => notifications.show({ color: "teal", message: studio.saved }),
      () => undefined,
    );
  return (
    <Stack gap="sm">
      {composite.error && (
        <Alert icon={<IconAlertTriangle />} color="red" title={studio.refused} role="alert">
          {composite.error.message}
        </Alert>
      )}
      <Group>
        <Button
          leftSection={<IconDeviceFloppy size={18} aria-hidden />}
          disabled={!request}
          loading={composite.isPending}
          onClick={() => request && save(request)}
        >
          {studio.save}
        </Button>
      </Group>
    </Stack>
  );
}
