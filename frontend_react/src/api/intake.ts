import { queryOptions, useQuery } from "@tanstack/react-query";
import { type Api, answered, type Schema, useApi } from "./client";

export type Intake = Schema<"Intake">;
export type ProcessingOptions = Schema<"ProcessingOptions">;

export const intakeOptions = (api: Api) =>
  queryOptions({
    queryKey: ["intake"],
    queryFn: ({ signal }) => answered(api.GET("/intake", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Which pictures are taken, and what is made of one whose owner asks for nothing else. */
export const useIntake = () => useQuery(intakeOptions(useApi()));
