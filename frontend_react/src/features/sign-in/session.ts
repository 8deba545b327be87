import { ErrorResponse, ErrorTimeout, OidcClient, User, WebStorageStateStore } from "oidc-client-ts";
import { ApiError, type TokenSource } from "@/api/client";
import type { SignIn } from "@/config/config";
import { texts } from "@/texts";
import { PATHS, returnAddress } from "./return-address";

const STORED = "session";
const CHANNEL = "session";
/** Beside a session it names the last sign-out before it, in `localStorage` the last of all. */
const SIGN_OUT = "sign-out";
/** Other tabs answer at once, or are not there. */
const ANSWER_MS = 150;
const TOKEN_TIMEOUT_S = 20;
/** A token is renewed when less of its life is left. */
const MARGIN_S = 60;
/** Another token would not help where the API refuses one so young. */
const YOUNG_MS = 60_000;

/** Why nobody is signed in: nobody was yet, somebody signed out here or in another tab, or signing in went wrong. */
export type Reason = "none" | "done" | "elsewhere" | "denied" | "mismatch" | "expired" | "unreachable" | "failed";

/** `ended`: the person has to sign in again, and the page waits for that as it is. */
export type Account = { state: "signed-in" | "ended"; email: string } | { state: "signed-out"; reason: Reason };

/** The page that this script runs in. */
export interface Page {
  leave(url: string): void;
  reload(): void;
}

/** What tabs tell each other; `user` is in the form in which it is stored. */
type Word = { kind: "asked" } | { kind: "signed-in"; user: string } | { kind: "signed-out" };

const windowPage: Page = {
  leave: (url) => window.location.assign(url),
  reload: () => window.location.reload(),
};

/**
 * Who is signed in, as a store for `useSyncExternalStore`, by the authorization code flow with PKCE.
 *
 * Tokens are kept in `sessionStorage`: they outlive a reload, but not the tab, so the next one at a shared machine finds
 * none. Tabs hand them to each other, and sign out together; one that was closed then, and is opened again, finds none
 * either. A page's whole life belongs to one person: whoever signs in after a sign-out gets a fresh one.
 */
export class Session {
  readonly #config: SignIn;
  readonly #page: Page;
  readonly #client: OidcClient;
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #listeners = new Set<() => void>();
  #account: Account = { state: "signed-out", reason: "none" };
  #user: User | undefined;
  #renewal: Promise<void> | undefined;
  #renewedAt = 0;

  private constructor(config: SignIn, page: Page) {
    this.#config = config;
    this.#page = page;
    const { issuer, domain_url, client_id, scopes } = config;
    this.#client = new OidcClient({
      authority: issuer,
      client_id,
      scope: scopes.join(" "),
      redirect_uri: window.location.origin + PATHS.signedIn,
      stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
      requestTimeoutInSeconds: TOKEN_TIMEOUT_S,
      metadata: {
        issuer,
        authorization_endpoint: `${domain_url}/oauth2/authorize`,
        token_endpoint: `${domain_url}/oauth2/token`,
      },
    });
  }

  /** Find out who is signed in: here before, in another tab, or on the page of sign-in that has just been left. */
  static async open(config: SignIn, page = windowPage): Promise<Session> {
    const session = new Session(config, page);
    await session.#begin();
    session.#channel.addEventListener("message", ({ data }: MessageEvent<Word>) => session.#hear(data));
    return session;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Account => this.#account;

  /** Leave for the page of sign-in, and come back to this one. */
  readonly signIn = async (): Promise<void> => {
    const { url } = await this.#client.createSigninRequest({ state: window.location.href });
    this.#page.leave(url);
  };

  readonly signOut = (): void => {
    const { domain_url, client_id } = this.#config;
    const token = this.#user?.refresh_token;
    localStorage.setItem(SIGN_OUT, crypto.randomUUID());
    this.#tell({ kind: "signed-out" });
    this.#forget("done");
    if (token) {
      const body = new URLSearchParams({ token, client_id });
      // It goes on while the page is left; whether it worked, nobody is left to hear.
      fetch(`${domain_url}/oauth2/revoke`, { method: "POST", body, keepalive: true }).catch(() => undefined);
    }
    const parameters = new URLSearchParams({ client_id, logout_uri: window.location.origin + PATHS.signedOut });
    this.#page.leave(`${domain_url}/logout?${parameters}`);
  };

  readonly token: TokenSource = async (refused) => {
    const user = await this.#present();
    const isRefused = user.access_token === refused;
    if (isRefused && Date.now() - this.#renewedAt < YOUNG_MS) {
      this.#end();
    } else if (isRefused || (user.expires_in ?? 0) < MARGIN_S) {
      this.#renewal ??= this.#renew(user).finally(() => {
        this.#renewal = undefined;
      });
      await this.#renewal;
    }
    return (await this.#present()).access_token;
  };

  async #begin(): Promise<void> {
    const { pathname, href } = window.location;
    // Whoever signs in anew may do so because the session of the other tabs is worth nothing any more.
    const isSigningIn = pathname === PATHS.signIn || pathname === PATHS.signedIn;
    const stored = kept() ?? (isSigningIn ? null : await this.#askOtherTabs());
    if (stored) {
      this.#take(User.fromStorageString(stored));
    } else if (pathname === PATHS.signedIn) {
      await this.#complete(href);
    } else if (pathname === PATHS.signIn) {
      await this.signIn();
    } else if (pathname === PATHS.signedOut) {
      this.#account = { state: "signed-out", reason: "done" };
    }
  }

  /** Redeem what the page of sign-in has put into the address, and go back to where it was asked for. */
  async #complete(href: string): Promise<void> {
    let asked: unknown;
    try {
      asked = (await this.#client.readSigninResponseState(href)).state.data;
      this.#takeNew(new User(await this.#client.processSigninResponse(href)));
    } catch (error) {
      this.#account = { state: "signed-out", reason: reasonOf(error) };
    }
    window.history.replaceState(null, "", returnAddress(asked));
  }

  /** Whoever is signed in; where they have to sign in again, once they have. */
  async #present(): Promise<User> {
    while (this.#account.state === "ended") {
      await new Promise<void>((resolve) => {
        const stop = this.subscribe(() => {
          stop();
          resolve();
        });
      });
    }
    if (!this.#user) {
      throw new ApiError(401, texts.signIn.nobody);
    }
    return this.#user;
  }

  async #renew({ refresh_token = "", profile }: User): Promise<void> {
    try {
      const state = { refresh_token, profile, session_state: null };
      // biome-ignore lint/correctness/useHookAtTopLevel: a method of the client, and no hook
      const response = await this.#client.useRefreshToken({ state, timeoutInSeconds: TOKEN_TIMEOUT_S });
      if (this.#user) {
        this.#takeNew(new User({ ...response, refresh_token: response.refresh_token ?? refresh_token }));
      }
    } catch (error) {
      if (!(error instanceof ErrorResponse && error.error === "invalid_grant")) {
        throw new ApiError(0, texts.signIn.notRenewed);
      }
      this.#end();
    }
  }

  #takeNew(user: User): void {
    this.#renewedAt = Date.now();
    this.#take(user);
    this.#tell({ kind: "signed-in", user: user.toStorageString() });
  }

  #take(user: User): void {
    keep(user.toStorageString());
    this.#user = user;
    this.#become({ state: "signed-in", email: user.profile.email ?? user.profile.sub });
  }

  #end(): void {
    if (this.#account.state === "signed-in") {
      sessionStorage.removeItem(STORED);
      this.#become({ ...this.#account, state: "ended" });
    }
  }

  #forget(reason: Reason): void {
    sessionStorage.removeItem(STORED);
    this.#user = undefined;
    this.#become({ state: "signed-out", reason });
  }

  #become(account: Account): void {
    this.#account = account;
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }

  #tell(word: Word): void {
    this.#channel.postMessage(word);
  }

  /** The session of a tab that has one. */
  #askOtherTabs(): Promise<string | null> {
    return new Promise((resolve) => {
      const stop = new AbortController();
      const answer = (user: string | null) => {
        stop.abort();
        resolve(user);
      };
      this.#channel.addEventListener(
        "message",
        ({ data }: MessageEvent<Word>) => data.kind === "signed-in" && answer(data.user),
        { signal: stop.signal },
      );
      setTimeout(() => answer(null), ANSWER_MS);
      this.#tell({ kind: "asked" });
    });
  }

  #hear(word: Word): void {
    if (word.kind === "signed-in") {
      this.#meet(word.user);
    } else if (word.kind === "signed-out" && this.#user) {
      this.#forget("elsewhere");
    } else if (word.kind === "asked" && this.#user && this.#account.state === "signed-in") {
      this.#tell({ kind: "signed-in", user: this.#user.toStorageString() });
    }
  }

  /** Somebody has signed in in another tab, or a tab has renewed its tokens. */
  #meet(stored: string): void {
    const user = User.fromStorageString(stored);
    if (user.profile.sub === this.#user?.profile.sub) {
      if ((user.expires_at ?? 0) > (this.#user.expires_at ?? 0)) {
        this.#take(user);
      }
    } else if (this.#account.state !== "signed-in") {
      keep(stored);
      this.#page.reload();
    }
  }
}

const lastSignOut = (): string => localStorage.getItem(SIGN_OUT) ?? "";

function keep(user: string): void {
  sessionStorage.setItem(STORED, user);
  sessionStorage.setItem(SIGN_OUT, lastSignOut());
}

/** What this tab has kept, if nobody has signed out since: a closed tab hears no other, and comes back with all it had. */
function kept(): string | null {
  if ((sessionStorage.getItem(SIGN_OUT) ?? "") !== lastSignOut()) {
    sessionStorage.removeItem(STORED);
  }
  return sessionStorage.getItem(STORED);
}

function reasonOf(error: unknown): Reason {
  if (error instanceof ErrorResponse) {
    return { access_denied: "denied" as const, invalid_grant: "expired" as const }[String(error.error)] ?? "failed";
  }
  return error instanceof TypeError || error instanceof ErrorTimeout ? "unreachable" : "mismatch";
}
