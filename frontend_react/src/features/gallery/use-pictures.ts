import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useApi } from "@/api/client";
import { usePollingInterval } from "@/api/polling";
import { isMoving, type ResultFilter, resultListOptions } from "@/api/results";
import { useDeleted } from "@/components/delete-with-undo";
import { isFiltered } from "./use-filter";

/** How often to look for pictures that came from elsewhere, while none is in process. */
const WATCH_MS = 5_000;

/**
 * The pictures that fit a filter, newest first and live, less those that are deleted. As a filter costs the API a
 * search, they are then renewed seldom, and not at all while none is in process.
 */
export function usePictures(filter: ResultFilter) {
  const interval = usePollingInterval();
  const deleted = useDeleted();
  const query = useInfiniteQuery({
    ...resultListOptions(useApi(), filter),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { data } }) => {
      if (!interval || !data) {
        return false;
      }
      // Every page that moves is asked for again, so that many of them are asked for less often.
      const moving = data.pages.filter(({ items }) => isMoving(items)).length;
      const seldom = Math.max(interval, WATCH_MS);
      return isFiltered(filter) ? moving > 0 && moving * seldom : moving * interval || seldom;
    },
  });
  const pages = query.data?.pages;
  const pictures = useMemo(
    () => pages?.flatMap(({ items }) => items).filter(({ image_id }) => !deleted.includes(image_id)),
    [pages, deleted],
  );
  return { query, pictures };
}
