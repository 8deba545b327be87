import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { type Icon, IconAlertTriangle, IconEyeQuestion, IconHourglass, IconShieldX } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Result, type Status, useResumeResult } from "@/api/results";
import { currentStep, isStuck } from "@/api/steps";
import { texts } from "@/texts";

const CUT_OFF_MS = 5 * 60_000; // after which one that is still in process is offered to be started again

const LOOKS: Partial<Record<Status, { icon: Icon; color: string }>> = {
  AWAITING_UPLOAD: { icon: IconHourglass, color: "gray" },
  PROCESSING: { icon: IconHourglass, color: "yellow" },
  REJECTED: { icon: IconAlertTriangle, color: "orange" },
  BLOCKED: { icon: IconShieldX, color: "red" },
  FAILED: { icon: IconAlertTriangle, color: "red" },
};

/** What its owner should know of a picture that is not simply done, and what can be done about it. */
export function Outcome({ result }: { result: Result }) {
  const { status, status_reason: reason } = result;
  const { name, meaning } = texts.status.statuses[status];
  const look = LOOKS[status];
  if (look && (status !== "PROCESSING" || isCutOff(result))) {
    return (
      <Notice look={look} title={name} detail={status === "PROCESSING" ? texts.result.cutOff : meaning} reason={reason}>
        <Action imageId={result.image_id} status={status} />
      </Notice>
    );
  }
  return result.needs_review ? (
    <Notice
      look={{ icon: IconEyeQuestion, color: "yellow" }}
      title={texts.status.needsReview}
      detail={texts.result.needsReview}
    />
  ) : null;
}

function isCutOff({ steps, updated_at: claimedAt }: Result): boolean {
  const step = currentStep(steps);
  const now = Date.now();
  return step?.state === "warming" ? isStuck(step, now) : now - Date.parse(claimedAt) > CUT_OFF_MS;
}

interface NoticeProps {
  look: { icon: Icon; color: string };
  title: string;
  reason?: string | null;
  detail: string;
  children?: ReactNode;
}

function Notice({ look: { icon: NoticeIcon, color }, title, reason, detail, children }: NoticeProps) {
  return (
    <Alert icon={<NoticeIcon />} color={color} radius="lg" title={title}>
      <Stack gap="sm">
        {reason && <Text size="sm">{reason}</Text>}
        <Text size="sm">{detail}</Text>
        {children}
      </Stack>
    </Alert>
  );
}

function Action({ imageId, status }: { imageId: string; status: Status }) {
  return status === "FAILED" || status === "PROCESSING" ? (
    <StartAgain imageId={imageId} />
  ) : (
    <Group>
      <Button component={Link} to="/upload" size="sm">
        {texts.result.uploadAnother}
      </Button>
    </Group>
  );
}

function StartAgain({ imageId }: { imageId: string }) {
  const resumption = useResumeResult();
  return (
    <Group>
      <Button size="sm" loading={resumption.isPending} onClick={() => resumption.mutate(imageId)}>
        {texts.status.startAgain}
      </Button>
      {resumption.error && (
        <Text size="sm" role="alert">
          {resumption.error.message}
        </Text>
      )}
    </Group>
  );
}
