import { type Api, ApiError } from "@/api/client";
import type { Intake, ProcessingOptions } from "@/api/intake";
import { texts } from "@/texts";
import { checkFile } from "./check-file";
import type { Transfer, TransferFailure } from "./transfer";

const RETRY_DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** How far a file is; `failed` and `cancelled` ones can be sent again. */
export type Phase =
  | { state: "refused"; reason: string }
  | { state: "chosen" }
  | { state: "queued" }
  | { state: "sending"; sentBytes: number }
  | { state: "waiting"; reason: string }
  | { state: "failed"; reason: string }
  | { state: "cancelled" }
  | { state: "sent"; imageId: string; sentAt: number };

/** A file that was chosen. `batch` counts the times that sending began, and is 0 before. */
export interface Upload {
  id: string;
  file: File;
  name: string;
  type: string;
  options: ProcessingOptions | null;
  batch: number;
  tries: number;
  phase: Phase;
}

const ACTIVE: readonly Phase["state"][] = ["queued", "sending", "waiting"];

export const isActive = ({ phase }: Upload): boolean => ACTIVE.includes(phase.state);

/** All files from choosing to arrival, as a store for `useSyncExternalStore`. It lives as long as the site is open. */
export class UploadQueue {
  readonly #api: Api;
  readonly #onAnswered: () => void;
  readonly #listeners = new Set<() => void>();
  readonly #retries = new Map<string, ReturnType<typeof setTimeout>>();
  #uploads: readonly Upload[] = [];
  #transfer: Promise<Transfer> | undefined;
  #lastId = 0;
  #batch = 0;

  /** `onAnswered` is called whenever a file has arrived, or was not taken. */
  constructor(api: Api, onAnswered: () => void) {
    this.#api = api;
    this.#onAnswered = onAnswered;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): readonly Upload[] => this.#uploads;

  /** Check files and list them; what is refused is listed too, with the reason. */
  async add(files: readonly File[], intake: Intake): Promise<void> {
    const checked = await Promise.all(files.map((file) => checkFile(file, intake)));
    for (const { refusal, ...known } of checked) {
      const reason = refusal ?? (this.#holds(known.file) ? texts.upload.refusals.twice : null);
      const phase: Phase = reason ? { state: "refused", reason } : { state: "chosen" };
      this.#set([...this.#uploads, { ...known, id: String(++this.#lastId), options: null, batch: 0, tries: 0, phase }]);
    }
  }

  /** Send what was chosen. */
  send(options: ProcessingOptions): void {
    const chosen = this.#uploads.filter(({ phase }) => phase.state === "chosen");
    const batch = this.#uploads.some(isActive) ? this.#batch : ++this.#batch;
    for (const { id } of chosen) {
      this.#change(id, { options, batch });
    }
    this.#start(chosen.map(({ id }) => id));
  }

  retry(id: string): void {
    if (!this.#uploads.some(isActive)) {
      this.#batch++;
    }
    this.#change(id, { batch: this.#batch, tries: 0 });
    this.#start([id]);
  }

  cancel(id: string): void {
    this.#forgetRetry(id);
    this.#change(id, { phase: { state: "cancelled" } });
    this.#transfer?.then(
      (transfer) => transfer.cancel(id),
      () => undefined,
    );
  }

  remove(isRemoved: (upload: Upload) => boolean): void {
    this.#set(this.#uploads.filter((upload) => isActive(upload) || !isRemoved(upload)));
  }

  /** Send at once what waits for the network. */
  readonly resume = (): void => {
    const waiting = this.#uploads.filter(({ phase }) => phase.state === "waiting").map(({ id }) => id);
    for (const id of waiting) {
      this.#change(id, { tries: 0 });
    }
    this.#start(waiting);
  };

  /** Load what sends files. */
  prepare(): Promise<Transfer> {
    this.#transfer ??= import("./transfer").then(
      ({ Transfer }) =>
        new Transfer(this.#api, {
          onProgress: (id, sentBytes) => this.#change(id, { phase: { state: "sending", sentBytes } }),
          onSent: (id, imageId) => {
            this.#change(id, { phase: { state: "sent", imageId, sentAt: Date.now() } });
            this.#onAnswered();
          },
          onFailed: (id, failure) => this.#failed(id, failure),
        }),
      (error: Error) => {
        this.#transfer = undefined;
        throw error;
      },
    );
    return this.#transfer;
  }

  async #start(ids: readonly string[]): Promise<void> {
    const phase: Phase = navigator.onLine ? { state: "queued" } : { state: "waiting", reason: texts.upload.offline };
    for (const id of ids) {
      this.#forgetRetry(id);
      this.#change(id, { phase });
    }
    const queued = () => this.#uploads.filter(({ id, phase }) => ids.includes(id) && phase.state === "queued");
    try {
      const transfer = await this.prepare();
      transfer.send(
        queued().map(({ id, file, name, type, options }) => ({
          id,
          file,
          request: { fileName: name, fileType: type, size: file.size, options },
        })),
      );
    } catch (error) {
      for (const { id } of queued()) {
        this.#failed(id, { error: error as Error, isTransient: true });
      }
    }
  }

  #failed(id: string, { error, isTransient }: TransferFailure): void {
    const tries = this.#uploads.find((upload) => upload.id === id)?.tries ?? 0;
    const delay = RETRY_DELAYS_MS[tries];
    if (isTransient && !navigator.onLine) {
      this.#change(id, { phase: { state: "waiting", reason: texts.upload.offline } });
    } else if (isTransient && delay !== undefined) {
      this.#change(id, { tries: tries + 1, phase: { state: "waiting", reason: texts.upload.retrying } });
      this.#retries.set(
        id,
        setTimeout(() => this.#start([id]), delay),
      );
    } else {
      this.#change(id, { phase: { state: "failed", reason: reasonOf(error, isTransient) } });
      this.#onAnswered();
    }
  }

  #holds(file: File): boolean {
    return this.#uploads.some(
      (upload) =>
        (upload.phase.state === "chosen" || isActive(upload)) &&
        upload.file.name === file.name &&
        upload.file.size === file.size &&
        upload.file.lastModified === file.lastModified,
    );
  }

  #forgetRetry(id: string): void {
    clearTimeout(this.#retries.get(id));
    this.#retries.delete(id);
  }

  #change(id: string, change: Partial<Upload>): void {
    this.#set(this.#uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));
  }

  #set(uploads: readonly Upload[]): void {
    this.#uploads = uploads;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}

function reasonOf(error: Error, isTransient: boolean): string {
  if (error instanceof ApiError && error.isOverQuota && error.retryAfterS) {
    return texts.upload.overQuota(Date.now() + error.retryAfterS * 1_000);
  }
  return isTransient ? texts.upload.unreachable : texts.upload.notAccepted(error.message);
}
