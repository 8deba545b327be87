import { Button } from "@mantine/core";
import { IconCloudOff } from "@tabler/icons-react";
import { texts } from "@/texts";
import { Message } from "./message";

/** An answer that did not come: why, and a way to ask again. */
export function LoadFailed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Message icon={IconCloudOff} title={texts.common.failed} detail={error.message} role="alert">
      <Button onClick={onRetry}>{texts.common.tryAgain}</Button>
    </Message>
  );
}
