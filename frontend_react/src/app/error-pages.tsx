import { Button } from "@mantine/core";
import { IconAlertTriangle, IconMapQuestion } from "@tabler/icons-react";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Message } from "@/components/message";
import { texts } from "@/texts";

export function MissingPage() {
  return (
    <Message icon={IconMapQuestion} title={texts.app.notFound}>
      <Button component={Link} to="/">
        {texts.app.toPictures}
      </Button>
    </Message>
  );
}

export function BrokenPage({ error }: ErrorComponentProps) {
  return (
    <Message
      icon={IconAlertTriangle}
      title={texts.app.broken}
      detail={error instanceof Error ? error.message : undefined}
      role="alert"
    >
      <Button onClick={() => window.location.reload()}>{texts.app.reload}</Button>
    </Message>
  );
}
