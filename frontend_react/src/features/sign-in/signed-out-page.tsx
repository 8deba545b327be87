import { Button } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { Message } from "@/components/message";
import { usePageTitle } from "@/components/page-title";
import { texts } from "@/texts";
import type { Reason } from "./session";
import { useSession } from "./session-context";

const WRONG: readonly Reason[] = ["denied", "mismatch", "expired", "unreachable", "failed"];

/** In place of every page while nobody is signed in: what this site is, why one is here, and the way in. */
export default function SignedOutPage({ reason }: { reason: Reason }) {
  const { signIn } = useSession();
  const { title, detail } = texts.signIn.reasons[reason];
  usePageTitle(texts.signIn.title);
  return (
    <Message icon={IconLock} title={title} detail={detail} role={WRONG.includes(reason) ? "alert" : "status"}>
      <Button size="md" onClick={signIn}>
        {texts.signIn.signIn}
      </Button>
    </Message>
  );
}
