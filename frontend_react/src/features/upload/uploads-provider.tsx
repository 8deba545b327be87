import { useWindowEvent } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useState, useSyncExternalStore } from "react";
import { useApi } from "@/api/client";
import { renewQuota } from "@/api/intake";
import { resultKeys } from "@/api/results";
import { isActive, type Upload, UploadQueue } from "./upload-queue";

const UploadsContext = createContext<UploadQueue | null>(null);

/** Keeps uploads going from page to page, and asks before the site is left while files are being sent. */
export function UploadsProvider({ children }: { children: ReactNode }) {
  const api = useApi();
  const queries = useQueryClient();
  const [queue] = useState(
    () =>
      new UploadQueue(api, () => {
        queries.invalidateQueries({ queryKey: resultKeys.lists });
        renewQuota(queries);
      }),
  );
  useWindowEvent("online", queue.resume);
  useWindowEvent("beforeunload", (event) => {
    if (queue.snapshot().some(isActive)) {
      event.preventDefault();
    }
  });
  return <UploadsContext value={queue}>{children}</UploadsContext>;
}

export function useUploadQueue(): UploadQueue {
  const queue = useContext(UploadsContext);
  if (!queue) {
    throw new Error("useUploadQueue is used outside of UploadsProvider");
  }
  return queue;
}

/** Every file that was chosen, in that order. */
export function useUploads(): readonly Upload[] {
  const { subscribe, snapshot } = useUploadQueue();
  return useSyncExternalStore(subscribe, snapshot);
}
