import { Loader, Text } from "@mantine/core";
import { IconCircleX, IconCloudUpload } from "@tabler/icons-react";
import type { ResultSummary, SignedOutput } from "@/api/results";
import { currentStep, elapsedMs, isStuck } from "@/api/steps";
import { useNow } from "@/components/use-now";
import { texts } from "@/texts";
import { formatDuration } from "@/texts/format";
import classes from "./card-picture.module.css";

/** Which of a picture's thumbnails is shown. */
export type View = "original" | "cutout";

interface CardPictureProps {
  picture: ResultSummary;
  view: View;
  /** Whether the other view is there too, and is seen while the card is pointed at. */
  isPeeked: boolean;
}

/** A picture's thumbnail; until there is one, the step it is at; if there is none, why. */
export function CardPicture({ picture, view, isPeeked }: CardPictureProps) {
  const { thumbnail, cutout_thumbnail, status } = picture;
  if (!thumbnail) {
    return status === "PROCESSING" ? <Progress steps={picture.steps} /> : <Reason picture={picture} />;
  }
  const shown = (view === "cutout" && cutout_thumbnail) || thumbnail;
  const other = shown === thumbnail ? cutout_thumbnail : thumbnail;
  return (
    <>
      <Thumbnail output={shown} />
      {isPeeked && other && <Thumbnail output={other} isOther />}
    </>
  );
}

function Thumbnail({ output, isOther }: { output: SignedOutput; isOther?: boolean }) {
  const isCutout = output.kind === "cutout_thumbnail";
  return (
    <img
      src={output.url}
      alt=""
      width={output.width}
      height={output.height}
      loading="lazy"
      decoding="async"
      className={`${classes.thumbnail} ${isCutout ? "checkerboard" : ""}`}
      data-other={isOther}
      data-cropped={isCutout && Boolean(output.window)}
    />
  );
}

function Progress({ steps }: Pick<ResultSummary, "steps">) {
  const step = currentStep(steps);
  const now = useNow(true);
  return (
    <div className={classes.placeholder}>
      <Loader size="sm" aria-hidden />
      {step && (
        <Text size="xs">
          {isStuck(step, now) ? texts.gallery.stuck : texts.status.steps[step.name]}
          <br />
          {formatDuration(elapsedMs(step, now))}
        </Text>
      )}
    </div>
  );
}

function Reason({ picture: { status, status_reason } }: { picture: ResultSummary }) {
  const StateIcon = status === "AWAITING_UPLOAD" ? IconCloudUpload : IconCircleX;
  return (
    <div className={classes.placeholder}>
      <StateIcon size={32} aria-hidden />
      <Text size="xs" lineClamp={4}>
        {status_reason ?? texts.status.statuses[status].meaning}
      </Text>
    </div>
  );
}
