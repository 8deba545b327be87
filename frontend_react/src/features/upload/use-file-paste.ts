import { useWindowEvent } from "@mantine/hooks";
import { texts } from "@/texts";

/** Take pictures from the clipboard wherever on the page they are pasted. */
export function useFilePaste(onFiles: (files: File[]) => void) {
  useWindowEvent("paste", (event) => {
    const files = Array.from(event.clipboardData?.files ?? []);
    if (files.length) {
      event.preventDefault();
      onFiles(files.map(named));
    }
  });
}

/** Browsers name every picture from the clipboard `image.png`. */
function named(file: File): File {
  if (file.name !== "image.png") {
    return file;
  }
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  return new File([file], `${texts.upload.pastedName(stamp)}.png`, { type: file.type });
}
