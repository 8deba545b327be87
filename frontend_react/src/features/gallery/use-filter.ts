import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { ResultFilter } from "@/api/results";
import { gallerySearch } from "./search";

export const isFiltered = (filter: ResultFilter): boolean => Object.values(filter).some(Boolean);

/** What the URL says is shown, and a function that changes it there. */
export function useFilter() {
  const search = useSearch({ strict: false });
  const filter = useMemo(() => gallerySearch.parse(search), [search]);
  const navigate = useNavigate();
  const changeFilter = useCallback(
    (change: ResultFilter) =>
      navigate({ to: "/", search: { ...filter, ...change }, replace: true, resetScroll: false }),
    [navigate, filter],
  );
  return { filter, changeFilter };
}
