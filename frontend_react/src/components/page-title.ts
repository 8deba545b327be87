import { useEffect } from "react";
import { texts } from "@/texts";

/** Name the page in the browser's tab and history, until another page does. */
export function usePageTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · ${texts.app.name}`;
    return () => {
      document.title = texts.app.name;
    };
  }, [title]);
}
