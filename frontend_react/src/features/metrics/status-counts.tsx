import { Link } from "@tanstack/react-router";
import type { Metrics } from "@/api/metrics";
import type { Status } from "@/api/results";
import { StatusBadge } from "@/components/status-badge";
import { formatNumber, formatShare } from "@/texts/format";
import classes from "./status-counts.module.css";

/** How many pictures have which status, most first; each leads to those pictures. */
export function StatusCounts({ counts, total }: { counts: Metrics["by_status"]; total: number }) {
  const rows = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .toSorted(([, one], [, other]) => other - one);
  return (
    <ul className={classes.statuses}>
      {rows.map(([status, count]) => (
        <li key={status}>
          <Link to="/" search={{ status: status as Status }}>
            <StatusBadge status={status as Status} />
            <span>{formatNumber(count)}</span>
            <span className={classes.share}>{formatShare(count / total)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
