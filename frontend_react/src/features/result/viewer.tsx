import { SegmentedControl, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { isUnfinished, type Result } from "@/api/results";
import { texts } from "@/texts";
import { AnnotatedComparison } from "./annotated-comparison";
import { aspectOf, cutoutToShow, resultToShow } from "./framing";
import { Layer } from "./layer";
import { PictureFrame } from "./picture-frame";
import { Studio } from "./studio";

type View = "compare" | "background";

const ASPECT_TO_COME = 4 / 3;

/** The picture: beside its cut-out, or the cut-out on other backgrounds; while there is neither, the picture alone. */
export function Viewer({ result }: { result: Result }) {
  const [view, setView] = useState<View>("compare");
  const { image, links } = result;
  const cutout = cutoutToShow(result);
  const after = resultToShow(result);
  if (!image || !links.proxy) {
    return <NoPicture text={isUnfinished(result.status) ? texts.result.waitingForPicture : texts.result.noPicture} />;
  }
  if (!after) {
    return (
      <Stack gap="xs">
        <PictureFrame aspect={aspectOf(image)}>
          <Layer url={links.proxy} alt={texts.result.picture(result.file_name)} size={image} />
        </PictureFrame>
        {result.outputs.length > 0 && (
          <Text size="sm" c="dimmed">
            {texts.result.noCutout}
          </Text>
        )}
      </Stack>
    );
  }
  const original = links.proxy;
  return (
    <Stack gap="md">
      {cutout && (
        <SegmentedControl
          aria-label={texts.result.views}
          value={view}
          onChange={(chosen) => setView(chosen as View)}
          data={[
            { value: "compare", label: texts.result.compare },
            { value: "background", label: texts.result.background },
          ]}
          w={{ base: "100%", xs: 320 }}
        />
      )}
      {view === "background" && cutout ? (
        <Studio result={result} image={image} original={original} cutout={cutout} />
      ) : (
        <AnnotatedComparison result={result} image={image} original={original} after={after} />
      )}
    </Stack>
  );
}

function NoPicture({ text }: { text: string }) {
  return (
    <PictureFrame aspect={ASPECT_TO_COME}>
      <Text c="dimmed" ta="center" pos="absolute" inset={0} p="md" style={{ alignContent: "center" }}>
        {text}
      </Text>
    </PictureFrame>
  );
}
