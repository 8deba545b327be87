import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type Api, answered, type Schema, useApi } from "./client";
import { usePollingInterval } from "./polling";
import { fetchResults, isUnfinished, type ResultSummary, resultKeys } from "./results";
import { keepSignedUrls } from "./signed-urls";

export type PutTicket = Schema<"PutTicket">;
export type UploadRequest = Schema<"UploadUrlRequest"> & { size: number };

type Pictures = Record<string, ResultSummary>;

const PAGE_SIZE = 50;

/** Where to PUT a file of this name, type and size; the picture's id and record are made here. */
export async function requestTicket(api: Api, request: UploadRequest): Promise<PutTicket> {
  const ticket = await answered(api.POST("/upload-url", { body: request }));
  if (ticket.method !== "PUT") {
    throw new Error("The API offers a form although the size was given.");
  }
  // A browser sets this one itself, and complains of a page that does.
  const { "Content-Length": _, ...headers } = ticket.headers;
  return { ...ticket, headers };
}

const isDone = (picture: ResultSummary | undefined): boolean => picture !== undefined && !isUnfinished(picture.status);

/** The named pictures among the newest; one that is not there is left out. */
async function fetchPictures(api: Api, imageIds: readonly string[], signal: AbortSignal): Promise<Pictures> {
  const wanted = new Set(imageIds);
  const found: Pictures = {};
  // Somebody else's uploads may lie between ours: one page more than ours fill.
  const pages = Math.ceil(wanted.size / PAGE_SIZE) + 1;
  let cursor: string | undefined;
  for (let page = 0; page < pages && wanted.size; page++) {
    const { items, next_cursor } = await fetchResults(api, { limit: PAGE_SIZE, cursor }, signal);
    for (const item of items.filter(({ image_id }) => wanted.delete(image_id))) {
      found[item.image_id] = item;
    }
    if (!next_cursor) {
      break;
    }
    cursor = next_cursor;
  }
  return found;
}

/** Pictures just uploaded, by `image_id`: one list is asked for again and again until all of them are done. */
export function useUploadedPictures(imageIds: readonly string[]) {
  const api = useApi();
  const queries = useQueryClient();
  const interval = usePollingInterval();
  const queryKey = [...resultKeys.all, "uploaded"];
  return useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const known = queries.getQueryData<Pictures>(queryKey) ?? {};
      return { ...known, ...(await fetchPictures(api, imageIds, signal)) };
    },
    enabled: imageIds.length > 0,
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: keepSignedUrls,
    refetchInterval: ({ state }) => (imageIds.every((id) => isDone(state.data?.[id])) ? false : interval),
  });
}
