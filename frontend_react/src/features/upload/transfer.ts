import AwsS3, { type AwsBody } from "@uppy/aws-s3";
import Uppy, { type Meta } from "@uppy/core";
import { type Api, ApiError } from "@/api/client";
import { deleteResult, fetchResult } from "@/api/results";
import { type PutTicket, requestTicket, type UploadRequest } from "@/api/uploads";

const CONCURRENT_FILES = 4;
const STALLED_MS = 30_000;
/** So much of a ticket's life must be left when it is used. */
const TICKET_MARGIN_MS = 30_000;

/** What goes wrong is shown to the owner of the files. */
const NO_LOG = { debug: () => undefined, warn: () => undefined, error: () => undefined };

/** Why a file did not arrive, and whether it may at the next try. */
export interface TransferFailure {
  error: Error;
  isTransient: boolean;
}

export interface TransferEvents {
  onProgress: (id: string, sentBytes: number) => void;
  onSent: (id: string, imageId: string) => void;
  onFailed: (id: string, failure: TransferFailure) => void;
}

/** A file to send; `id` is the caller's. */
export interface Sendable {
  id: string;
  file: File;
  request: UploadRequest;
}

interface Sending extends Sendable {
  uppyId: string;
  progressAt: number;
}

interface HeldTicket extends PutTicket {
  validUntil: number;
}

/** What was to be sent is there already: the answer to an earlier try was lost. */
class AlreadyThere extends Error {}

/**
 * Files on their way to S3, each by one PUT; Uppy sends some at a time and tries again what broke off at once.
 *
 * A ticket is kept until its file has arrived, since `If-None-Match` then tells an earlier try that did arrive (412)
 * from one that did not.
 */
export class Transfer {
  readonly #api: Api;
  readonly #events: TransferEvents;
  readonly #uppy = new Uppy<Meta, AwsBody>({ logger: NO_LOG });
  readonly #sending = new Map<string, Sending>();
  readonly #tickets = new Map<string, HeldTicket>();
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(api: Api, events: TransferEvents) {
    this.#api = api;
    this.#events = events;
    this.#uppy.use(AwsS3, {
      limit: CONCURRENT_FILES,
      shouldUseMultipart: false,
      generateObjectKey: (file) => String(file.meta.relativePath),
      signRequest: async ({ key: id }) => {
        const { uploadUrl, headers, key } = await this.#ticketFor(id);
        this.#touch(id, 0);
        return { url: uploadUrl, headers, key };
      },
    });
    this.#uppy.on("upload-progress", (file, { bytesUploaded }) => {
      this.#touch(String(file?.meta.relativePath), bytesUploaded || 0);
    });
    this.#uppy.on("upload-success", (file) => this.#arrived(String(file?.meta.relativePath)));
    this.#uppy.on("upload-error", (file, error) => this.#broke(String(file?.meta.relativePath), error));
  }

  send(files: readonly Sendable[]): void {
    for (const sendable of files) {
      const { id, file, request } = sendable;
      // Uppy tells files apart by their path too: the same picture may be sent twice, with other options.
      const meta = { relativePath: id };
      const uppyId = this.#uppy.addFile({ name: request.fileName, type: request.fileType, data: file, meta });
      this.#sending.set(id, { ...sendable, uppyId, progressAt: Number.POSITIVE_INFINITY });
    }
    this.#watch ??= setInterval(() => this.#restartStalled(), STALLED_MS / 2);
    void this.#uppy.upload();
  }

  /** Stop sending a file, or trying to; its record, which waits for it, is deleted, or the file was sent after all. */
  cancel(id: string): void {
    this.#drop(id);
    const ticket = this.#tickets.get(id);
    if (ticket) {
      this.#tickets.delete(id);
      deleteResult(this.#api, ticket.imageId).catch((error: unknown) => {
        const isProcessed = error instanceof ApiError && error.status === 409;
        if (isProcessed && !this.#sending.has(id)) {
          this.#events.onSent(id, ticket.imageId);
        }
      });
    }
  }

  async #ticketFor(id: string): Promise<PutTicket> {
    const held = this.#tickets.get(id);
    if (held && Date.now() < held.validUntil) {
      return held;
    }
    if (held) {
      if (await this.#hasArrived(held.imageId)) {
        throw new AlreadyThere();
      }
      this.#discard(id, held);
    }
    const sending = this.#sending.get(id);
    if (!sending) {
      throw new DOMException("Cancelled", "AbortError");
    }
    const ticket = await requestTicket(this.#api, sending.request);
    const validUntil = Date.now() + ticket.expiresIn * 1_000 - TICKET_MARGIN_MS;
    this.#tickets.set(id, { ...ticket, validUntil });
    if (!this.#sending.has(id)) {
      this.cancel(id);
    }
    return ticket;
  }

  async #hasArrived(imageId: string): Promise<boolean> {
    try {
      return (await fetchResult(this.#api, imageId)).status !== "AWAITING_UPLOAD";
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return false;
      }
      throw error;
    }
  }

  /** Give a ticket back, as well as can be: a record that nobody uses goes after a day by itself. */
  #discard(id: string, { imageId }: PutTicket): void {
    this.#tickets.delete(id);
    deleteResult(this.#api, imageId).catch(() => undefined);
  }

  #touch(id: string, sentBytes: number): void {
    const sending = this.#sending.get(id);
    if (sending) {
      sending.progressAt = Date.now();
      this.#events.onProgress(id, sentBytes);
    }
  }

  #arrived(id: string): void {
    const ticket = this.#tickets.get(id);
    if (this.#drop(id) && ticket) {
      this.#tickets.delete(id);
      this.#events.onSent(id, ticket.imageId);
    }
  }

  #broke(id: string, error: Error): void {
    const status = statusOf(error);
    const ticket = this.#tickets.get(id);
    if (error instanceof AlreadyThere || status === 412) {
      this.#arrived(id);
      return;
    }
    if (status === 403 && ticket) {
      ticket.validUntil = 0;
    }
    if (this.#drop(id)) {
      this.#events.onFailed(id, { error, isTransient: isTransient(error) });
    }
  }

  /** Let Uppy forget a file; a later try is a new one. */
  #drop(id: string): boolean {
    const sending = this.#sending.get(id);
    if (!sending) {
      return false;
    }
    this.#sending.delete(id);
    this.#uppy.removeFile(sending.uppyId);
    if (this.#sending.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
    return true;
  }

  /** A connection that died without a word is not noticed by browsers for minutes. */
  #restartStalled(): void {
    for (const sending of this.#sending.values()) {
      if (Date.now() - sending.progressAt > STALLED_MS) {
        sending.progressAt = Date.now();
        this.#uppy.pauseResume(sending.uppyId);
        this.#uppy.pauseResume(sending.uppyId);
      }
    }
  }
}

/** The HTTP status of an answer; 0 if there was none; undefined for any other error. */
function statusOf(error: Error): number | undefined {
  if (error instanceof ApiError) {
    return error.status;
  }
  // Not by the error's name: the build shortens the names of classes.
  if ("code" in error && error.code === "NETWORK") {
    return 0;
  }
  return "status" in error ? Number(error.status) : undefined;
}

/** At S3, 403 is an expired ticket, 409 another try of the same file, and 400 may be a connection that was too slow. */
function isTransient(error: Error): boolean {
  if (error instanceof ApiError) {
    return error.isTransient;
  }
  const status = statusOf(error);
  const isTooSlow = "code" in error && error.code === "RequestTimeout";
  return status !== undefined && (status === 0 || [403, 409, 429].includes(status) || status >= 500 || isTooSlow);
}
