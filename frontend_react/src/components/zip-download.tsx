import { Button, Group, Progress, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { texts } from "@/texts";
import { downloadZip, NothingFetched, type ZipFile, type ZipLookup } from "./download-zip";

/**
 * Save files as one zip file, from a click. A notification on every page shows how far it is, stops it, and says how it
 * ended and what is missing.
 */
export async function saveZip(name: string, files: readonly (ZipFile | ZipLookup)[]): Promise<void> {
  const stop = new AbortController();
  let id: string | undefined;
  const report = (done: number) => {
    const notification = {
      id,
      // Its steps are not announced; its end is.
      role: "group",
      title: texts.pictures.zip.packing(name),
      message: <ZipProgress done={done} total={files.length} onCancel={() => stop.abort()} />,
      autoClose: false,
      allowClose: false,
    } as const;
    id = id ? notifications.update(notification) : notifications.show(notification);
  };
  try {
    const missing = await downloadZip(name, files, report, stop.signal);
    if (missing.length) {
      tellProblem("yellow", texts.pictures.zip.incomplete(name, missing.length), texts.pictures.zip.missing(missing));
    } else {
      notifications.show({ color: "teal", message: texts.pictures.zip.saved(name) });
    }
  } catch (error) {
    if (!isAbort(error)) {
      const { failed, nothing, notWritten } = texts.pictures.zip;
      tellProblem("red", failed(name), error instanceof NothingFetched ? nothing : notWritten);
    }
  } finally {
    if (id) {
      notifications.hide(id);
    }
  }
}

function tellProblem(color: string, title: string, detail: string): void {
  notifications.show({
    color,
    title,
    message: detail,
    autoClose: false,
  });
}

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

function ZipProgress({ done, total, onCancel }: { done: number; total: number; onCancel: () => void }) {
  return (
    <Stack gap="xs">
      <Progress value={(100 * done) / total} aria-label={texts.pictures.zip.progress(done, total)} />
      <Group justify="space-between">
        <Text size="sm">{texts.pictures.zip.progress(done, total)}</Text>
        <Button size="compact-sm" variant="default" onClick={onCancel}>
          {texts.common.cancel}
        </Button>
      </Group>
    </Stack>
  );
}
