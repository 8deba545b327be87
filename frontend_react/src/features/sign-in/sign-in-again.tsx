import { Button, Modal, Stack, Text } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { texts } from "@/texts";
import { PATHS } from "./return-address";

/** Over a page whose sign-in has ended: signing in in another tab keeps what was typed, chosen and begun in this one. */
export default function SignInAgain({ email }: { email: string }) {
  return (
    <Modal
      opened
      centered
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={texts.signIn.ended}
    >
      <Stack align="start">
        <Text size="sm">{texts.signIn.endedDetail(email)}</Text>
        <Button
          component="a"
          href={PATHS.signIn}
          target="_blank"
          rel="noopener"
          rightSection={<IconExternalLink size={18} aria-hidden />}
        >
          {texts.signIn.again}
        </Button>
      </Stack>
    </Modal>
  );
}
