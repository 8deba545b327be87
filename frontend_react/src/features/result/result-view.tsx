import { Paper, Stack, Text, VisuallyHidden } from "@mantine/core";
import { isUnfinished, type Result } from "@/api/results";
import { Panel } from "@/components/panel";
import { StepTimeline } from "@/components/step-timeline";
import { texts } from "@/texts";
import { AnalysisGaps } from "./analysis-gaps";
import { ColorsPanel } from "./colors-panel";
import { FilePanel } from "./file-panel";
import { LabelsPanel } from "./labels-panel";
import { MaskPanel } from "./mask-panel";
import { ModerationPanel } from "./moderation-panel";
import { Outcome } from "./outcome";
import { Outputs } from "./outputs";
import { ResultHeader } from "./result-header";
import classes from "./result-page.module.css";
import { TextPanel } from "./text-panel";
import { Viewer } from "./viewer";

export function ResultView({ result }: { result: Result }) {
  const progress = (
    <Panel title={texts.result.progress}>
      <StepTimeline steps={result.steps} status={result.status} />
    </Panel>
  );
  return (
    <Stack gap="lg">
      <ResultHeader result={result} />
      <VisuallyHidden role="status">{texts.status.statuses[result.status].name}</VisuallyHidden>
      <Outcome result={result} />
      <div className={classes.columns}>
        <Stack gap="lg" className={classes.main}>
          {isUnfinished(result.status) && progress}
          <Paper withBorder radius="lg" p={{ base: "xs", sm: "md" }}>
            <Viewer result={result} />
          </Paper>
          {(result.outputs.length > 0 || result.links.original) && <Outputs result={result} />}
        </Stack>
        <Stack gap="lg" className={classes.side}>
          {Object.keys(result.analysis_parts).length > 0 && <Findings result={result} />}
          {result.mask && <MaskPanel mask={result.mask} />}
          {result.image && <FilePanel image={result.image} createdAt={result.created_at} />}
          {!isUnfinished(result.status) && progress}
        </Stack>
      </div>
    </Stack>
  );
}

function Findings({ result }: { result: Result }) {
  const { analysis_parts: parts, moderation, properties } = result;
  return (
    <>
      <AnalysisGaps parts={parts} />
      {parts.labels === "OK" && <LabelsPanel labels={result.labels} />}
      {result.text.length > 0 && <TextPanel lines={result.text} />}
      <ModerationPanel moderation={moderation} />
      {properties && <ColorsPanel properties={properties} />}
      {moderation?.model_version.includes("stand-in") && (
        <Text size="sm" c="dimmed" px="md">
          {texts.result.standIn}
        </Text>
      )}
    </>
  );
}
