import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { type Api, answered, type Schema, useApi } from "./client";

export type Metrics = Schema<"Metrics">;

const STALE_MS = 30_000;

export const metricsOptions = (api: Api, days: number) =>
  queryOptions({
    queryKey: ["metrics", days],
    queryFn: ({ signal }) => answered(api.GET("/metrics", { params: { query: { days } }, signal })),
    staleTime: STALE_MS,
  });

/** How the pictures of the last days went; while another range is on its way, the one before stays. */
export const useMetrics = (days: number) =>
  useQuery({ ...metricsOptions(useApi(), days), placeholderData: keepPreviousData });

/** The labels of the last 90 days, most frequent first; none until they are known. */
export function useLabelNames(isWanted: boolean): string[] {
  const { data } = useQuery({ ...metricsOptions(useApi(), 90), enabled: isWanted });
  return data?.labels.map(({ name }) => name) ?? [];
}
