import { type QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
import { type Api, answered, type Schema, useApi } from "./client";

export type Intake = Schema<"Intake">;
export type Quota = Schema<"Quota">;
export type ProcessingOptions = Schema<"ProcessingOptions">;

const intakeKey = ["intake"] as const;

export const intakeOptions = (api: Api) =>
  queryOptions({
    queryKey: intakeKey,
    queryFn: ({ signal }) => answered(api.GET("/intake", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Which pictures are taken, and what is made of one whose owner asks for nothing else. */
export const useIntake = () => useQuery(intakeOptions(useApi()));

/** Ask anew how many pictures are left, where that is counted; a request that is under way will do. */
export function renewQuota(queries: QueryClient): void {
  if (queries.getQueryData<Intake>(intakeKey)?.quota) {
    void queries.invalidateQueries({ queryKey: intakeKey }, { cancelRefetch: false });
  }
}
