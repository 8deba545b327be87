import { useQueryClient } from "@tanstack/react-query";
import { useApi } from "@/api/client";
import { type Result, resultOptions } from "@/api/results";
import { isFresh } from "@/api/signed-urls";

/**
 * A function for the result with signed URLs that live some minutes yet: it is fetched again if they do not. While that
 * fails it is the result as it is.
 */
export function useFreshResult(result: Result): () => Promise<Result> {
  const api = useApi();
  const queries = useQueryClient();
  return async () =>
    urlsOf(result).every((url) => isFresh(url))
      ? result
      : queries.fetchQuery({ ...resultOptions(api, result.image_id), staleTime: 0 }).catch(() => result);
}

const urlsOf = ({ outputs, links }: Result) => [...outputs.map(({ url }) => url), links.original].filter(isUrl);

const isUrl = (url: string | null | undefined): url is string => Boolean(url);
