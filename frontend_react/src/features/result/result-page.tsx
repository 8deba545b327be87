import { Alert, Button } from "@mantine/core";
import { IconCloudOff, IconPhotoOff } from "@tabler/icons-react";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ApiError } from "@/api/client";
import { isUnfinished, useResult } from "@/api/results";
import { useDeleted } from "@/components/delete-with-undo";
import { LoadFailed } from "@/components/load-failed";
import { Message } from "@/components/message";
import { usePageTitle } from "@/components/page-title";
import { texts } from "@/texts";
import { ResultSkeleton } from "./result-skeleton";
import { ResultView } from "./result-view";

const RETRY_BROKEN_IMAGES_MS = 60_000;

const route = getRouteApi("/results/$imageId");

export function ResultPage() {
  const { imageId } = route.useParams();
  const { data: result, error, isPending, isRefetchError, dataUpdatedAt, refetch } = useResult(imageId);
  const isDeleted = useDeleted().includes(imageId);
  usePageTitle(result?.file_name ?? texts.result.untitled);

  if (isDeleted || (error instanceof ApiError && error.status === 404)) {
    return <MissingPicture />;
  }
  if (isPending) {
    return <ResultSkeleton />;
  }
  if (!result) {
    return <LoadFailed error={error ?? new Error(texts.common.failed)} onRetry={refetch} />;
  }
  const renewLinks = () => Date.now() - dataUpdatedAt > RETRY_BROKEN_IMAGES_MS && refetch();
  return (
    // A picture that comes late into view may find its signed URL expired.
    <div onErrorCapture={renewLinks}>
      {isRefetchError && isUnfinished(result.status) && (
        <Alert icon={<IconCloudOff />} color="yellow" role="status" mb="md">
          {texts.result.outdated}
        </Alert>
      )}
      <ResultView key={imageId} result={result} />
    </div>
  );
}

function MissingPicture() {
  return (
    <Message icon={IconPhotoOff} title={texts.result.missing} detail={texts.result.missingDetail}>
      <Button component={Link} to="/">
        {texts.app.toPictures}
      </Button>
    </Message>
  );
}
