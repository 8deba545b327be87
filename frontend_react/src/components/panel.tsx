import { Group, Paper, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

interface PanelProps {
  title: string;
  /** What can be done with all of it, beside the title. */
  action?: ReactNode;
  children: ReactNode;
}

/** A part of a page, under its own heading. */
export function Panel({ title, action, children }: PanelProps) {
  const id = useId();
  return (
    <Paper component="section" aria-labelledby={id} withBorder radius="lg" p="md">
      <Group justify="space-between" mb="sm" mih={30}>
        <Title order={2} size="h5" id={id}>
          {title}
        </Title>
        {action}
      </Group>
      {children}
    </Paper>
  );
}
