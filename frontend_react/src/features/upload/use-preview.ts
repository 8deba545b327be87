import { useEffect, useState } from "react";

const PREVIEW_WIDTH = 160;

let turn: Promise<void> = Promise.resolve();

/**
 * The URL of a small picture of a file; undefined until it is drawn, and for what this browser cannot show. Files are
 * decoded one after another, since each takes four bytes a pixel meanwhile.
 */
export function usePreview(file: File): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    let isWanted = true;
    let made: string | undefined;
    turn = turn.then(async () => {
      const preview = isWanted ? await draw(file) : null;
      if (preview && isWanted) {
        made = URL.createObjectURL(preview);
        setUrl(made);
      }
    });
    return () => {
      isWanted = false;
      if (made) {
        URL.revokeObjectURL(made);
      }
    };
  }, [file]);
  return url;
}

async function draw(file: File): Promise<Blob | null> {
  try {
    const picture = await createImageBitmap(file, { resizeWidth: PREVIEW_WIDTH, resizeQuality: "medium" });
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    picture.close();
    return await canvas.convertToBlob();
  } catch {
    return null;
  }
}
