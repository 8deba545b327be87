import { notifications } from "@mantine/notifications";
import { texts } from "@/texts";

/** Put a text on the clipboard, and say that it is there, or that the browser does not allow it. */
export async function copyText(text: string, message: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notifications.show({ title: texts.result.copied, message });
  } catch {
    notifications.show({ color: "red", title: texts.result.notCopied, message: texts.result.notCopiedDetail });
  }
}
