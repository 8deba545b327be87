import {
  type InfiniteData,
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Api, answered, type Schema, useApi } from "./client";
import { usePollingInterval } from "./polling";
import { isFresh, keepSignedUrls } from "./signed-urls";

type ResultPage = Schema<"ResultPage">;
export type Result = Schema<"Result">;
export type ResultSummary = Schema<"ResultSummary">;
export type Status = Schema<"Status">;
export type SignedOutput = Schema<"SignedOutput">;
export type CompositeRequest = Schema<"CompositeRequest">;

/** Which pictures are listed: those that fit everything given here. */
export interface ResultFilter {
  status?: Status;
  label?: string;
  name?: string;
}

/** Signed URLs live 15 minutes; what is done changes only by what is done here. */
const FINISHED_STALE_MS = 5 * 60_000;

/** A file that has not arrived by then was most likely never sent. */
const ARRIVAL_MS = 5 * 60_000;
const SELDOM_MS = 10_000;

const CLAIM_TRIES = 20;
const CLAIM_PAUSE_MS = 500;

export const resultKeys = {
  all: ["results"] as const,
  lists: ["results", "list"] as const,
  list: (filter: ResultFilter) => ["results", "list", filter] as const,
  one: (imageId: string) => ["results", "one", imageId] as const,
};

/** Whether a picture's record is still going to change by itself. */
export const isUnfinished = (status: Status): boolean => status === "AWAITING_UPLOAD" || status === "PROCESSING";

/** Whether any of some pictures is worth asking for again soon. */
export const isMoving = (pictures: readonly Pick<ResultSummary, "status" | "created_at">[]): boolean =>
  pictures.some(
    ({ status, created_at }) =>
      status === "PROCESSING" || (isUnfinished(status) && Date.now() - Date.parse(created_at) < ARRIVAL_MS),
  );

/** Whether there is a cut-out. */
export const hasResults = (status: Status): boolean => status === "SUCCEEDED" || status === "PARTIAL";

const byId = (imageId: string) => ({ params: { path: { image_id: imageId } } });

export const fetchResults = (
  api: Api,
  filter: ResultFilter & { limit?: number; cursor?: string },
  signal?: AbortSignal,
) => answered(api.GET("/results", { params: { query: filter }, signal }));

export const fetchResult = (api: Api, imageId: string, signal?: AbortSignal): Promise<Result> =>
  answered(api.GET("/results/{image_id}", { ...byId(imageId), signal }));

export const deleteResult = (api: Api, imageId: string) => answered(api.DELETE("/results/{image_id}", byId(imageId)));

/** Start a picture that failed again; it is done once the new execution has taken the picture over. */
export async function resumeResult(api: Api, imageId: string): Promise<void> {
  const resumption = await answered(api.POST("/results/{image_id}/resume", byId(imageId)));
  for (let tries = 0; tries < CLAIM_TRIES; tries++) {
    const result = await fetchResult(api, imageId);
    if (result.execution_arn === resumption.execution_arn) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, CLAIM_PAUSE_MS));
  }
}

export const createComposite = (api: Api, imageId: string, request: CompositeRequest): Promise<SignedOutput> =>
  answered(api.POST("/results/{image_id}/composites", { ...byId(imageId), body: request }));

/**
 * The pictures that fit a filter, newest first, at most `limit` a page: a page may even be empty with more behind it.
 * Renewing the list asks for its first page, and for those further ones that may have changed by themselves.
 */
export const resultListOptions = (api: Api, filter: ResultFilter = {}, limit = 24) =>
  infiniteQueryOptions({
    queryKey: [...resultKeys.list(filter), limit],
    queryFn: ({ client, queryKey, pageParam, signal }) => {
      const list = client.getQueryState<InfiniteData<ResultPage, string | undefined>>(queryKey);
      const known = pageParam && list?.data?.pages[list.data.pageParams.indexOf(pageParam)];
      return known && !list?.isInvalidated && !isMoving(known.items) && hasFreshUrls(known)
        ? known
        : fetchResults(api, { ...filter, limit, cursor: pageParam }, signal);
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    structuralSharing: keepSignedUrls,
  });

const hasFreshUrls = ({ items }: ResultPage): boolean =>
  items.every(({ thumbnail }) => !thumbnail || isFresh(thumbnail.url));

export const resultOptions = (api: Api, imageId: string) =>
  queryOptions({
    queryKey: resultKeys.one(imageId),
    queryFn: ({ signal }) => fetchResult(api, imageId, signal),
    structuralSharing: keepSignedUrls,
    staleTime: ({ state }) => (state.data && !isUnfinished(state.data.status) ? FINISHED_STALE_MS : 0),
  });

export const useResultList = (filter?: ResultFilter, limit?: number) =>
  useInfiniteQuery(resultListOptions(useApi(), filter, limit));

/** One picture, asked for again and again until it is done. */
export function useResult(imageId: string) {
  const interval = usePollingInterval();
  return useQuery({
    ...resultOptions(useApi(), imageId),
    refetchInterval: ({ state: { data } }) =>
      interval && data && isUnfinished(data.status) && (isMoving([data]) ? interval : Math.max(interval, SELDOM_MS)),
  });
}

/** Start a picture that failed again, by its `image_id`. */
export function useResumeResult() {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (imageId: string) => resumeResult(api, imageId),
    onSettled: () => queries.invalidateQueries({ queryKey: resultKeys.all }),
  });
}

/** Put a finished picture on another background. */
export function useCreateComposite(imageId: string) {
  const api = useApi();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (request: CompositeRequest) => createComposite(api, imageId, request),
    onSuccess: (composite) =>
      queries.setQueryData(
        resultOptions(api, imageId).queryKey,
        (result) =>
          result && { ...result, outputs: [...result.outputs.filter(({ key }) => key !== composite.key), composite] },
      ),
  });
}
