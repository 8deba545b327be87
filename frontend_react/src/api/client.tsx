import createClient, { type Client } from "openapi-fetch";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import type { components, paths } from "./schema";

export type Api = Client<paths>;
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/**
 * The access token for the next request. Given one that the API `refused`, it is another one; where there is none until
 * somebody has signed in again, it comes then.
 *
 * @throws ApiError if nobody is signed in any more, or nothing can be reached that gives tokens.
 */
export type TokenSource = (refused?: string) => Promise<string>;

/** A longer wait is no hiccup, but a limit of what one may do. */
const LONG_WAIT_S = 60;

/** The API refused a request, or did not answer: then `status` is 0. The message is a sentence for people. */
export class ApiError extends Error {
  readonly status: number;
  /** When the same request is worth another try, in seconds from now, if the API says so. */
  readonly retryAfterS: number | undefined;

  constructor(status: number, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }

  /** Whether the same request may succeed soon. */
  get isTransient(): boolean {
    return this.status === 0 || this.status >= 500 || (this.status === 429 && !this.isOverQuota);
  }

  /** Whether its sender has had as much as they may have for now. */
  get isOverQuota(): boolean {
    return this.status === 429 && (this.retryAfterS ?? 0) > LONG_WAIT_S;
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
    if (reason instanceof ApiError || (reason instanceof DOMException && reason.name === "AbortError")) {
      throw reason;
    }
    throw new ApiError(0, "The server cannot be reached.");
  });
  if (!response.ok) {
    const retryAfterS = Number(response.headers.get("Retry-After")) || undefined;
    throw new ApiError(response.status, detail(error) ?? `The server answers ${response.status}.`, retryAfterS);
  }
  return data as Data;
}

function detail(problem: unknown): string | undefined {
  const text = (problem as { detail?: unknown } | undefined)?.detail;
  return typeof text === "string" ? text : undefined;
}

/** A `fetch` that says on whose behalf it asks, and asks again with another token when the API has refused one. */
const fetchWith =
  (token: TokenSource) =>
  async (request: Request): Promise<Response> => {
    let refused: string | undefined;
    for (;;) {
      const current = await token(refused);
      const attempt = request.clone();
      attempt.headers.set("Authorization", `Bearer ${current}`);
      const response = await fetch(attempt);
      if (response.status !== 401) {
        return response;
      }
      refused = current;
    }
  };

const ApiContext = createContext<Api | null>(null);

interface ApiProviderProps {
  baseUrl: string;
  /** Where the API asks who one is; null where it does not. */
  token: TokenSource | null;
  children: ReactNode;
}

export function ApiProvider({ baseUrl, token, children }: ApiProviderProps) {
  const api = useMemo(
    () => createClient<paths>({ baseUrl, ...(token && { fetch: fetchWith(token) }) }),
    [baseUrl, token],
  );
  return <ApiContext value={api}>{children}</ApiContext>;
}

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) {
    throw new Error("useApi is used outside of ApiProvider");
  }
  return api;
}
