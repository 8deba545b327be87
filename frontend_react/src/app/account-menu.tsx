import { ActionIcon, Button, Text } from "@mantine/core";
import { IconLogout, IconUserCircle } from "@tabler/icons-react";
import { useId } from "react";
import { useSession } from "@/features/sign-in/session-context";
import { isActive } from "@/features/upload/upload-queue";
import { useUploadQueue, useUploads } from "@/features/upload/uploads-provider";
import { texts } from "@/texts";
import classes from "./account-menu.module.css";

/** Who is signed in, and the way out; the browser itself opens and closes it. */
export function AccountMenu({ email }: { email: string }) {
  const { signOut } = useSession();
  const queue = useUploadQueue();
  const sending = useUploads().filter(isActive);
  const id = useId();
  // Cancelled first: the browser would ask whether to leave, and whoever stays would still be signed in at the sign-in.
  const leave = () => {
    for (const upload of sending) {
      queue.cancel(upload.id);
    }
    signOut();
  };
  return (
    <>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={texts.signIn.account(email)} popoverTarget={id}>
        <IconUserCircle size={20} />
      </ActionIcon>
      <div id={id} popover="auto" className={classes.menu}>
        <Text size="sm" truncate title={email}>
          {email}
        </Text>
        {sending.length > 0 && (
          <Text size="xs" c="dimmed">
            {texts.signIn.breaksOff}
          </Text>
        )}
        <Button fullWidth variant="default" mt="xs" leftSection={<IconLogout size={18} aria-hidden />} onClick={leave}>
          {texts.signIn.signOut}
        </Button>
      </div>
    </>
  );
}
