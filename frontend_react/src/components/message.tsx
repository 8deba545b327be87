import { Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface MessageProps {
  icon: Icon;
  title: string;
  detail?: string;
  role?: "alert" | "status";
  children?: ReactNode;
}

/** What stands in place of content: nothing there yet, or something went wrong. Children are what can be done. */
export function Message({ icon: MessageIcon, title, detail, role, children }: MessageProps) {
  return (
    <Stack align="center" gap="sm" py={80} px="md" role={role} ta="center">
      <ThemeIcon size={64} radius="xl" variant="light">
        <MessageIcon size={32} aria-hidden />
      </ThemeIcon>
      <Title order={2} size="h3">
        {title}
      </Title>
      {detail && (
        <Text c="dimmed" maw={480}>
          {detail}
        </Text>
      )}
      {children}
    </Stack>
  );
}
