import { useDocumentVisibility, useWindowEvent } from "@mantine/hooks";
import { useState } from "react";

const ACTIVE_MS = 1_000;
const BACKGROUND_MS = 10_000;

/**
 * How often to ask for what is not done yet, in milliseconds: often while this window is being used, seldom while
 * another one is, and never (`false`) while this one is hidden.
 */
export function usePollingInterval(): number | false {
  const visibility = useDocumentVisibility();
  const [isFocused, setFocused] = useState(() => document.hasFocus());
  useWindowEvent("focus", () => setFocused(true));
  useWindowEvent("blur", () => setFocused(false));
  if (visibility === "hidden") {
    return false;
  }
  return isFocused ? ACTIVE_MS : BACKGROUND_MS;
}
