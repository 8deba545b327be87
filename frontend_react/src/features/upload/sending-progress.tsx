import { Progress, Text } from "@mantine/core";
import { texts } from "@/texts";
import classes from "./sending-progress.module.css";
import { shareOf } from "./totals";
import { isActive, type Phase, type Upload } from "./upload-queue";

type UnsentPhase = Exclude<Phase, { state: "sent" }>;

/** How far a file is until it has arrived, or why it has not. */
export function SendingProgress({ upload, phase }: { upload: Upload; phase: UnsentPhase }) {
  const share = phase.state === "sending" ? shareOf(phase.sentBytes, upload.file.size) : 0;
  const isProblem = phase.state === "refused" || phase.state === "failed";
  return (
    <>
      {isActive(upload) && (
        <Progress value={share * 100} aria-label={texts.upload.progressOf(upload.name)} transitionDuration={200} />
      )}
      <Text size="sm" className={isProblem ? classes.problem : classes.words}>
        {wordsOf(phase, share)}
      </Text>
    </>
  );
}

function wordsOf(phase: UnsentPhase, share: number): string {
  if ("reason" in phase) {
    return phase.reason;
  }
  return phase.state === "sending" ? texts.upload.sending(share) : texts.upload[phase.state];
}
