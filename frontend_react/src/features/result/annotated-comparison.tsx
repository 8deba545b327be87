import { Chip, Group, Stack } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Schema } from "@/api/client";
import type { Result, SignedOutput } from "@/api/results";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import { Boxes } from "./boxes";
import { Comparison } from "./comparison";

interface AnnotatedComparisonProps {
  result: Result;
  image: Schema<"ImageFacts">;
  original: string;
  after: SignedOutput;
}

/** The comparison, and over it on demand what was found where. */
export function AnnotatedComparison({ result, image, original, after }: AnnotatedComparisonProps) {
  const [shown, setShown] = useState<string[]>([]);
  const annotations = annotationsOf(result);
  return (
    <Stack gap="md">
      <Comparison fileName={result.file_name} image={image} original={original} after={after}>
        {annotations.map(({ key, boxes }) => shown.includes(key) && boxes)}
      </Comparison>
      {annotations.length > 0 && (
        <Chip.Group multiple value={shown} onChange={setShown}>
          <Group gap="xs" role="group" aria-label={texts.result.show}>
            {annotations.map(({ key, name }) => (
              <Chip key={key} value={key} size="sm">
                {name}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      )}
    </Stack>
  );
}

interface Annotation {
  key: string;
  name: string;
  boxes: ReactNode;
}

function annotationsOf({ faces, text, mask }: Result): Annotation[] {
  const annotations: Annotation[] = [];
  if (faces.length) {
    const boxes = faces.map(({ box, confidence }, index) => {
      const sure = formatShare(confidence / 100);
      return { box, tag: sure, name: texts.result.face(index + 1, sure) };
    });
    annotations.push({
      key: "faces",
      name: texts.result.faces(faces.length),
      boxes: <Boxes key="faces" kind="face" label={texts.result.faceBoxes} boxes={boxes} />,
    });
  }
  if (text.length) {
    const boxes = text.map((line) => ({
      box: line.box,
      tag: line.text,
      name: texts.result.line(line.text, formatShare(line.confidence / 100)),
    }));
    annotations.push({
      key: "text",
      name: texts.result.lines(text.length),
      boxes: <Boxes key="text" kind="text" label={texts.result.textBoxes} boxes={boxes} />,
    });
  }
  if (mask?.subject) {
    const boxes = [{ box: mask.subject, tag: texts.result.subject, name: texts.result.subject }];
    annotations.push({
      key: "subject",
      name: texts.result.subject,
      boxes: <Boxes key="subject" kind="subject" label={texts.result.subject} boxes={boxes} />,
    });
  }
  return annotations;
}
