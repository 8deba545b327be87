import { RingProgress, Text } from "@mantine/core";
import { IconAlertCircle } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { texts } from "@/texts";
import { formatShare } from "@/texts/format";
import { shareOf, totalsOf } from "./totals";
import classes from "./upload-indicator.module.css";
import { useUploads } from "./uploads-provider";

/** How far all uploads are, or that some failed, on every page; nothing while there are none. */
export function UploadIndicator() {
  const totals = totalsOf(useUploads());
  if (totals.isActive) {
    const share = shareOf(totals.sentBytes, totals.bytes);
    return (
      <Link
        to="/upload"
        className={classes.indicator}
        aria-label={texts.upload.indicator(formatShare(share), totals.files)}
      >
        <RingProgress size={28} thickness={4} sections={[{ value: share * 100, color: "iris" }]} aria-hidden />
        <Text component="span" size="sm" fw={600}>
          {formatShare(share)}
        </Text>
      </Link>
    );
  }
  if (totals.failedFiles) {
    return (
      <Link
        to="/upload"
        className={classes.indicator}
        data-failed
        aria-label={texts.upload.notSent(totals.failedFiles)}
      >
        <IconAlertCircle size={22} aria-hidden />
        <Text component="span" size="sm" fw={600} visibleFrom="xs">
          {texts.upload.notSent(totals.failedFiles)}
        </Text>
      </Link>
    );
  }
  return null;
}
