import { Skeleton, Stack, Title } from "@mantine/core";
import { useEffect } from "react";
import { type Intake, useIntake } from "@/api/intake";
import { LoadFailed } from "@/components/load-failed";
import { usePageTitle } from "@/components/page-title";
import { texts } from "@/texts";
import { DropArea } from "./drop-area";
import { OptionsPanel } from "./options-panel";
import { QuotaLine } from "./quota-line";
import { UploadList } from "./upload-list";
import { useUploadQueue, useUploads } from "./uploads-provider";
import { useUploadOptions } from "./use-upload-options";

export function UploadPage() {
  usePageTitle(texts.upload.title);
  const intake = useIntake();
  return (
    <Stack gap="lg" maw={880} mx="auto">
      <Title order={1} size="h2">
        {texts.upload.title}
      </Title>
      {intake.isPending && <Loading />}
      {intake.isError && <LoadFailed error={intake.error} onRetry={() => intake.refetch()} />}
      {intake.isSuccess && <Workplace intake={intake.data} />}
    </Stack>
  );
}

function Loading() {
  return (
    <Stack gap="lg" role="status" aria-label={texts.common.loading}>
      <Skeleton height={268} radius="lg" />
      <Skeleton height={77} radius="lg" />
    </Stack>
  );
}

function Workplace({ intake }: { intake: Intake }) {
  const queue = useUploadQueue();
  const uploads = useUploads();
  const { options, change } = useUploadOptions(intake.default_options);
  useEffect(() => {
    // What sends files is there before the network is needed for them alone; a failure shows when they are sent.
    queue.prepare().catch(() => undefined);
  }, [queue]);
  return (
    <>
      <DropArea intake={intake} onFiles={(files) => queue.add(files, intake)} />
      {intake.quota && <QuotaLine quota={intake.quota} />}
      <OptionsPanel options={options} onChange={change} />
      {uploads.length > 0 && <UploadList uploads={uploads} onStart={() => queue.send(options)} />}
    </>
  );
}
