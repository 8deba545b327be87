import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi } from "@/api/client";
import { usePollingInterval } from "@/api/polling";
import { isUnfinished, type ResultFilter, type ResultSummary, resultListOptions } from "@/api/results";
import { useDeleted } from "@/components/delete-with-undo";

/** How often to look for pictures that came from elsewhere, while none is in process. */
const WATCH_MS = 5_000;
/** A file that has not arrived by then was most likely never sent. */
const ARRIVAL_MS = 5 * 60_000;

/** The pictures that fit a filter, newest first and live, less those that are deleted. */
export function usePictures(filter: ResultFilter) {
  const interval = usePollingInterval();
  const deleted = useDeleted();
  const query = useInfiniteQuery({
    ...resultListOptions(useApi(), filter),
    placeholderData: keepPreviousData,
    // Every page is asked for again, so that many pages are asked for less often.
    refetchInterval: ({ state: { data } }) =>
      interval && data
        ? data.pages.length *
          (data.pages.some(({ items }) => items.some(isMoving)) ? interval : Math.max(interval, WATCH_MS))
        : false,
  });
  const pages = query.data?.pages;
  const pictures = useMemo(
    () => pages?.flatMap(({ items }) => items).filter(({ image_id }) => !deleted.includes(image_id)),
    [pages, deleted],
  );
  return { query, pictures };
}

function isMoving({ status, created_at }: ResultSummary): boolean {
  return isUnfinished(status) && (status === "PROCESSING" || Date.now() - Date.parse(created_at) < ARRIVAL_MS);
}
