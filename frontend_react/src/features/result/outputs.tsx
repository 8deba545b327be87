import { Button, Stack } from "@mantine/core";
import { IconFileZip } from "@tabler/icons-react";
import { useState } from "react";
import type { Result, SignedOutput } from "@/api/results";
import { Panel } from "@/components/panel";
import { saveZip } from "@/components/zip-download";
import { texts } from "@/texts";
import { formatBytes } from "@/texts/format";
import { OutputRow } from "./output-row";
import classes from "./outputs.module.css";
import { useFreshResult } from "./use-fresh-result";

const ORDER: SignedOutput["kind"][] = [
  "cutout",
  "composite",
  "matte",
  "matte_preview",
  "cutout_thumbnail",
  "thumbnail",
];

/** Every file that was made of a picture, and the picture itself, to download or to pass on. */
export function Outputs({ result }: { result: Result }) {
  const fresh = useFreshResult(result);
  const outputs = result.outputs.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
  const { image, upload, links } = result;
  return (
    <Panel title={texts.result.outputs} action={result.outputs.length > 1 && <DownloadAll result={result} />}>
      <Stack component="ul" gap={0} className={classes.outputs}>
        {outputs.map((output) => (
          <OutputRow
            key={output.key}
            name={nameOf(output)}
            detail={detailOf(formatOf(output), output, output.bytes)}
            output={output}
            result={result}
            url={output.url}
            renew={async () => (await fresh()).outputs.find(({ key }) => key === output.key)?.url}
          />
        ))}
        {links.original && (
          <OutputRow
            name={texts.result.original}
            detail={image ? detailOf(image.format, image, image.size_bytes) : upload ? formatBytes(upload.size) : ""}
            result={result}
            url={links.original}
            renew={async () => (await fresh()).links.original}
          />
        )}
      </Stack>
    </Panel>
  );
}

function DownloadAll({ result }: { result: Result }) {
  const fresh = useFreshResult(result);
  const [isRunning, setRunning] = useState(false);
  const stem = result.file_name.replace(/\.[^.]*$/, "");
  const files = ({ outputs }: Result) =>
    outputs.map(({ key, url }) => ({ name: `${stem}-${key.slice(key.lastIndexOf("/") + 1)}`, url }));
  return (
    <Button
      variant="light"
      size="compact-md"
      leftSection={<IconFileZip size={16} aria-hidden />}
      loading={isRunning}
      onClick={async () => {
        setRunning(true);
        await saveZip(`${stem}.zip`, files(await fresh()));
        setRunning(false);
      }}
    >
      {texts.result.downloadAll}
    </Button>
  );
}

function nameOf({ kind, background }: SignedOutput): string {
  const name = texts.result.kinds[kind];
  if (!background) {
    return name;
  }
  return `${name} ${background === "blur" ? texts.result.onBlur : background.startsWith("#") ? texts.result.on(background) : texts.result.onPicture}`;
}

/** There may be two WebP of one cut-out. */
const formatOf = ({ format, key }: SignedOutput) =>
  key.endsWith(".lossy.webp") ? `${format} ${texts.result.lossy}` : format;

const detailOf = (format: string, { width, height }: { width: number; height: number }, bytes: number) =>
  `${format} · ${texts.result.pixels(width, height)} · ${formatBytes(bytes)}`;
