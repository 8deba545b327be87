import { useCallback, useRef, useState } from "react";

/** Which of some pictures, by their `image_id` in the order shown, are selected. */
export function useSelection(ids: readonly string[]) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string>(undefined);

  /** Select or unselect one, or all from the one before to this one. */
  const toggle = (id: string, isRange: boolean) => {
    const from = isRange && last.current ? ids.indexOf(last.current) : -1;
    const to = ids.indexOf(id);
    const changed = from < 0 ? [id] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    const next = new Set(chosen);
    for (const each of changed) {
      if (chosen.has(id)) {
        next.delete(each);
      } else {
        next.add(each);
      }
    }
    last.current = id;
    setChosen(next);
  };

  return {
    selected: ids.filter((id) => chosen.has(id)),
    toggle,
    selectAll: () => setChosen(new Set(ids)),
    clear: useCallback(() => setChosen(new Set()), []),
  };
}
