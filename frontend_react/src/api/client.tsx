import createClient, { type Client } from "openapi-fetch";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { components, paths } from "./schema";

export type Api = Client<paths>;
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** The API refused a request, or did not answer: then `status` is 0. The message is a sentence for people. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/**
 * The data of an answer.
 *
 * @throws ApiError with the problem document's `detail` (RFC 9457) if it is a refusal.
 */
export async function answered<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call.catch((reason: unknown) => {
    if (reason instanceof DOMException && reason.name === "AbortError") {
      throw reason;
    }
    throw new ApiError(0, "The server cannot be reached.");
  });
  if (!response.ok) {
    throw new ApiError(response.status, detail(error) ?? `The server answers ${response.status}.`);
  }
  return data as Data;
}

function detail(problem: unknown): string | undefined {
  const text = (problem as { detail?: unknown } | undefined)?.detail;
  return typeof text === "string" ? text : undefined;
}

const ApiContext = createContext<Api | null>(null);

export function ApiProvider({ baseUrl, children }: { baseUrl: string; children: ReactNode }) {
  const api = useMemo(() => createClient<paths>({ baseUrl }), [baseUrl]);
  return <ApiContext value={api}>{children}</ApiContext>;
}

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) {
    throw new Error("useApi is used outside of ApiProvider");
  }
  return api;
}
