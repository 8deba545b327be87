import { ActionIcon, Group, Text } from "@mantine/core";
import { IconDownload, IconLink, IconPhoto } from "@tabler/icons-react";
import type { MouseEvent } from "react";
import type { Result, SignedOutput } from "@/api/results";
import { expiryOf, isFresh } from "@/api/signed-urls";
import { texts } from "@/texts";
import { formatTime } from "@/texts/format";
import { copyText } from "./copy-text";
import classes from "./outputs.module.css";

interface OutputRowProps {
  name: string;
  /** Format, pixels and bytes. */
  detail: string;
  /** None for the original. */
  output?: SignedOutput;
  result: Result;
  url: string;
  /** The URL again, good for some minutes. */
  renew: () => Promise<string | null | undefined>;
}

export function OutputRow({ name, detail, output, result, url, renew }: OutputRowProps) {
  const fullName = `${name}, ${detail}`;
  const download = async (event: MouseEvent) => {
    if (!isFresh(url)) {
      event.preventDefault();
      window.location.assign((await renew()) ?? url);
    }
  };
  const copyLink = async () => {
    const link = (await renew()) ?? url;
    const expiry = expiryOf(link);
    await copyText(link, expiry ? texts.result.linkCopied(formatTime(expiry)) : name);
  };
  return (
    <li className={classes.output}>
      <Tile output={output} result={result} />
      <div>
        <Text size="sm" fw={550}>
          {name}
        </Text>
        <Text size="sm" c="dimmed">
          {detail}
        </Text>
      </div>
      <Group gap={4} wrap="nowrap">
        <ActionIcon
          variant="subtle"
          size="lg"
          onClick={copyLink}
          aria-label={texts.result.copyLink(fullName)}
          title={texts.result.copyLink(name)}
        >
          <IconLink size={18} aria-hidden />
        </ActionIcon>
        <ActionIcon
          component="a"
          href={url}
          variant="light"
          size="lg"
          onClick={download}
          aria-label={texts.result.download(fullName)}
          title={texts.result.download(name)}
        >
          <IconDownload size={18} aria-hidden />
        </ActionIcon>
      </Group>
    </li>
  );
}

/** What an output looks like, drawn from the smallest thumbnails, never from the output itself. */
function Tile({ output, result }: { output?: SignedOutput; result: Result }) {
  const cutout = smallest(result, "cutout_thumbnail");
  const original = smallest(result, "thumbnail");
  switch (output?.kind) {
    case "cutout":
    case "cutout_thumbnail":
      return <span className={`${classes.tile} checkerboard`}>{cutout && <Thumbnail of={cutout} />}</span>;
    case "composite":
      return (
        <span
          className={classes.tile}
          style={output.background?.startsWith("#") ? { background: output.background } : undefined}
        >
          {output.background === "blur" && original && <Thumbnail of={original} className={classes.blurred} />}
          {cutout ? <Thumbnail of={cutout} /> : <IconPhoto size={22} aria-hidden />}
        </span>
      );
    case "matte":
    case "matte_preview":
      return (
        <span className={classes.tile}>
          <IconPhoto size={22} aria-hidden />
        </span>
      );
    default:
      return (
        <span className={classes.tile}>
          {original ? <Thumbnail of={original} /> : <IconPhoto size={22} aria-hidden />}
        </span>
      );
  }
}

function Thumbnail({ of: { url }, className }: { of: SignedOutput; className?: string }) {
  return <img src={url} alt="" width={48} height={48} loading="lazy" decoding="async" className={className} />;
}

function smallest({ outputs }: Result, kind: SignedOutput["kind"]): SignedOutput | undefined {
  return outputs
    .filter((output) => output.kind === kind)
    .toSorted((one, other) => one.width * one.height - other.width * other.height)[0];
}
