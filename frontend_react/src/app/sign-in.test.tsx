import { QueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ApiError } from "@/api/client";
import { Session } from "@/features/sign-in/session";
import { intake } from "@/testing/intake";
import { API_URL, server } from "@/testing/server";
import { DOMAIN, serveSignIn, signInConfig, storedUser } from "@/testing/sign-in";
import { Providers } from "./providers";
import { makeRouter } from "./router";

const user = userEvent.setup({ delay: null });

const page = { leave: vi.fn<(url: string) => void>(), reload: vi.fn<() => void>() };
const channels: BroadcastChannel[] = [];

vi.stubGlobal(
  "BroadcastChannel",
  class extends BroadcastChannel {
    constructor(name: string) {
      super(name);
      channels.push(this);
    }
  },
);

let signIn: ReturnType<typeof serveSignIn>;
/** The tokens of the requests that came to the API; it takes those that `takes` says. */
let asked: (string | null)[];
let takes: (token: string | null) => boolean;

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
  page.leave.mockReset();
  page.reload.mockReset();
  signIn = serveSignIn();
  asked = [];
  takes = () => true;
  server.use(
    http.all(`${API_URL}/*`, ({ request }) => {
      const token = request.headers.get("Authorization");
      asked.push(token);
      return takes(token) ? undefined : HttpResponse.json({ message: "Unauthorized" }, { status: 401 });
    }),
    http.get(`${API_URL}/intake`, () => HttpResponse.json(intake)),
    http.get(`${API_URL}/results`, () => HttpResponse.json({ items: [], next_cursor: null })),
    http.get(`${API_URL}/metrics`, () => HttpResponse.json({ labels: [] })),
  );
});

afterEach(() => {
  for (const channel of channels.splice(0)) {
    channel.close();
  }
});

/** Open the site at a path, as `main.tsx` does. */
async function open(path: string, config: typeof signInConfig | null = signInConfig) {
  window.history.replaceState(null, "", path);
  const session = config && (await Session.open(config, page));
  render(
    <Providers config={{ api_url: API_URL, sign_in: config }} session={session}>
      <RouterProvider router={makeRouter()} />
    </Providers>,
  );
  return session as Session;
}

/** Another tab, and what it hears. */
function otherTab() {
  const channel = new BroadcastChannel("session");
  const heard: string[] = [];
  channel.onmessage = ({ data }) => heard.push(data.kind);
  return { heard, tell: (word: object) => act(async () => channel.postMessage(word)), channel };
}

const keep = (sub: string, token: string, livesS?: number) =>
  sessionStorage.setItem("session", storedUser(sub, token, livesS));

test("where sign-in is off, nobody is asked who they are", async () => {
  await open("/upload", null);
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
  expect(asked).toEqual([null]);
  expect(screen.queryByRole("button", { name: /^Account/ })).toBeNull();
});

test("somebody new sees what this is and one way in, and nothing is asked of the API", async () => {
  await open("/results/1?status=FAILED");
  expect(await screen.findByRole("heading", { name: "Sign in to see your pictures" })).toBeVisible();
  expect(screen.queryByRole("navigation")).toBeNull();

  await user.click(screen.getByRole("button", { name: "Sign in" }));
  await waitFor(() => expect(page.leave).toHaveBeenCalled());
  const url = new URL(String(page.leave.mock.lastCall?.[0]));
  expect(url.origin + url.pathname).toBe(`${DOMAIN}/oauth2/authorize`);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: "dashboard",
    response_type: "code",
    code_challenge_method: "S256",
    redirect_uri: `${window.location.origin}/signed-in`,
    scope: "openid email matteflow/pictures.read matteflow/pictures.write",
  });
  expect(asked).toEqual([]);
});

/** Ask for a page, sign in, and come back with what the page of sign-in gives. */
async function comeBack(answer: string, path = "/upload") {
  window.history.replaceState(null, "", path);
  await (await Session.open(signInConfig, page)).signIn();
  const state = new URL(String(page.leave.mock.lastCall?.[0])).searchParams.get("state");
  return open(`/signed-in?${answer}&state=${state}`);
}

test("whoever has signed in is back where they were, and asks with their token", async () => {
  await comeBack("code=the-code", "/?name=cat&status=FAILED");
  expect(await screen.findByRole("button", { name: "Account of ada@people.test" })).toBeVisible();
  expect(window.location.pathname + window.location.search).toBe("/?name=cat&status=FAILED");
  await waitFor(() => expect(asked).toContain("Bearer token 1"));
  expect(signIn.grants).toEqual([
    expect.objectContaining({ grant_type: "authorization_code", code: "the-code", code_verifier: expect.any(String) }),
  ]);
  expect(localStorage.getItem("session")).toBeNull();
});

describe("a sign-in that did not work says why and can be begun anew", () => {
  test.each([
    ["error=access_denied", undefined, "You were not signed in"],
    ["error=invalid_scope", undefined, "The sign-in did not work"],
    ["code=late", () => HttpResponse.json({ error: "invalid_grant" }, { status: 400 }), "This sign-in has expired"],
    ["code=1", () => HttpResponse.error(), "The sign-in cannot be reached"],
  ])("%s", async (answer, refusal, title) => {
    if (refusal) {
      signIn.refuse(refusal);
    }
    await comeBack(answer);
    expect(await screen.findByRole("alert")).toHaveTextContent(title);
    expect(screen.getByRole("button", { name: "Sign in" })).toBeEnabled();
    expect(window.location.pathname).toBe("/upload");
    expect(sessionStorage.getItem("session")).toBeNull();
  });

  test("of another tab, or of somebody else", async () => {
    await open("/signed-in?code=theirs&state=unknown");
    expect(await screen.findByRole("alert")).toHaveTextContent("This sign-in cannot be completed");
    expect(signIn.grants).toEqual([]);
  });
});

test("many requests renew a token that is about to end once", async () => {
  keep("ada", "old", 30);
  const session = await open("/upload");
  expect(await Promise.all([session.token(), session.token(), session.token()])).toEqual(Array(3).fill("token 1"));
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
  expect(asked).toEqual(["Bearer token 1"]);
  expect(signIn.grants).toEqual([
    expect.objectContaining({ grant_type: "refresh_token", refresh_token: "refresh of old" }),
  ]);
  expect(sessionStorage.getItem("session")).toMatch(/token 1.*refresh of old/);
});

test("a request whose token is refused is sent again with another, once for all of them", async () => {
  keep("ada", "revoked");
  takes = (token) => token === "Bearer token 1";
  await open("/?label=Cat");
  expect(await screen.findByText("No picture fits")).toBeVisible();
  expect(signIn.grants).toHaveLength(1);
  expect(asked).toEqual(expect.arrayContaining(["Bearer revoked", "Bearer token 1"]));
});

test("a page whose new token is refused too waits as it is until its owner has signed in again", async () => {
  keep("ada", "revoked");
  takes = (token) => token === "Bearer again";
  await open("/upload");
  expect(await screen.findByRole("dialog", { name: "Your sign-in has ended" })).toBeVisible();
  expect(screen.getByRole("link", { name: "Sign in again" })).toHaveAttribute("href", "/sign-in");
  expect(asked).toEqual(["Bearer revoked", "Bearer token 1"]);
  expect(sessionStorage.getItem("session")).toBeNull();

  await otherTab().tell({ kind: "signed-in", user: storedUser("ada", "again", 7_200) });
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
  expect(asked.at(-1)).toBe("Bearer again");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(page.reload).not.toHaveBeenCalled();
});

test("what cannot be renewed has ended; what cannot be reached has not", async () => {
  keep("ada", "old", 0);
  signIn.refuse(() => HttpResponse.error());
  const session = await open("/upload");
  await expect(session.token()).rejects.toMatchObject({ status: 0, isTransient: true });
  await expect(session.token()).rejects.toBeInstanceOf(ApiError);
  expect(session.snapshot().state).toBe("signed-in");

  signIn.refuse(() => HttpResponse.json({ error: "invalid_grant" }, { status: 400 }));
  const token = expect(session.token()).rejects.toMatchObject({ status: 401 });
  expect(await screen.findByRole("dialog", { name: "Your sign-in has ended" })).toBeVisible();
  await otherTab().tell({ kind: "signed-out" });
  await token;
});

test("whoever signs out leaves nothing behind", async () => {
  const { contexts } = vi.spyOn(QueryClient.prototype, "mount").mock;
  const cached = () => (contexts as QueryClient[]).flatMap((queries) => queries.getQueryCache().getAll());
  keep("ada", "token");
  const other = otherTab();
  await open("/");
  expect(await screen.findByText("No pictures yet")).toBeVisible();
  expect(cached()).not.toEqual([]);

  await user.click(await screen.findByRole("button", { name: "Account of ada@people.test" }));
  await user.click(screen.getByRole("button", { name: "Sign out" }));

  expect(await screen.findByRole("heading", { name: "You are signed out" })).toBeVisible();
  expect(screen.queryByText("No pictures yet")).toBeNull();
  expect(cached()).toEqual([]);
  expect(sessionStorage.getItem("session")).toBeNull();
  await waitFor(() => expect(signIn.revoked).toEqual([{ token: "refresh of token", client_id: "dashboard" }]));
  const url = new URL(String(page.leave.mock.lastCall?.[0]));
  expect(url.origin + url.pathname).toBe(`${DOMAIN}/logout`);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: "dashboard",
    logout_uri: `${window.location.origin}/signed-out`,
  });
  expect(other.heard).toContain("signed-out");
});

test("whoever signs out while files are sent breaks them off, and is not asked whether to leave", async () => {
  // Uppy looks at the network three seconds after it was made, when the test is over.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  server.use(http.post(`${API_URL}/upload-url`, () => new Promise(() => undefined)));
  const mayLeave = vi.fn(() => window.dispatchEvent(new Event("beforeunload", { cancelable: true })));
  page.leave.mockImplementation(mayLeave);
  keep("ada", "token");
  await open("/upload");
  const file = new File([Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)], "cat.jpg", { type: "image/jpeg" });
  await screen.findByRole("button", { name: "Choose pictures" });
  await user.upload(document.querySelector("input[type=file]") as HTMLInputElement, file);
  await user.click(await screen.findByRole("button", { name: "Upload 1 picture" }));
  await user.click(screen.getByRole("button", { name: "Account of ada@people.test" }));
  expect(screen.getByText("Files are still being sent. Signing out breaks them off.")).toBeVisible();
  expect(mayLeave()).toBe(false);
  await user.click(screen.getByRole("button", { name: "Sign out" }));
  expect(page.leave).toHaveBeenCalledOnce();
  expect(mayLeave).toHaveLastReturnedWith(true);
});

test("a tab that was closed before its person signed out is signed out when it is opened again", async () => {
  const first = await open("/upload");
  await otherTab().tell({ kind: "signed-in", user: storedUser("ada", "token") });
  const closed = { ...sessionStorage };
  first.signOut();

  Object.assign(sessionStorage, closed);
  const session = await Session.open(signInConfig, page);
  expect(session.snapshot()).toEqual({ state: "signed-out", reason: "none" });
  expect(sessionStorage.getItem("session")).toBeNull();
});

test("signing out in one tab signs out the others, in words and in their place", async () => {
  keep("ada", "token");
  await open("/upload?from=here");
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
  await otherTab().tell({ kind: "signed-out" });
  expect(await screen.findByRole("heading", { name: "You signed out in another tab" })).toBeVisible();
  expect(window.location.pathname).toBe("/upload");
  expect(sessionStorage.getItem("session")).toBeNull();
});

test("a new tab takes over the sign-in of another one, and answers in turn", async () => {
  const first = otherTab();
  first.channel.onmessage = ({ data }) =>
    data.kind === "asked" && first.channel.postMessage({ kind: "signed-in", user: storedUser("ada", "shared") });
  await open("/upload");
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
  expect(asked).toEqual(["Bearer shared"]);

  const third = otherTab();
  await third.tell({ kind: "asked" });
  await waitFor(() => expect(third.heard).toContain("signed-in"));
});

test("a page of nobody is loaded anew for whoever signs in in another tab", async () => {
  const session = await open("/");
  await otherTab().tell({ kind: "signed-in", user: storedUser("bob", "bob's") });
  await waitFor(() => expect(page.reload).toHaveBeenCalledOnce());
  expect(session.snapshot().state).toBe("signed-out");
});

test("a signed-in page stays with its person, whoever signs in elsewhere", async () => {
  keep("ada", "ada's");
  const session = await open("/upload");
  await otherTab().tell({ kind: "signed-in", user: storedUser("bob", "bob's", 7_200) });
  await otherTab().tell({ kind: "signed-in", user: storedUser("ada", "ada's newer", 7_200) });
  await waitFor(async () => expect(await session.token()).toBe("ada's newer"));
  expect(page.reload).not.toHaveBeenCalled();
});

test("whoever signs in anew is not given the session of another tab, which may have ended too", async () => {
  const stale = otherTab();
  stale.channel.onmessage = ({ data }) =>
    data.kind === "asked" && stale.channel.postMessage({ kind: "signed-in", user: storedUser("ada", "dead") });
  window.history.replaceState(null, "", "/sign-in");
  const session = await Session.open(signInConfig, page);
  expect(page.leave).toHaveBeenCalledWith(expect.stringMatching(`^${DOMAIN}/oauth2/authorize`));
  expect(session.snapshot().state).toBe("signed-out");
});

test("the page after a sign-out says so, and the address that begins signing in does so at once", async () => {
  await open("/signed-out");
  expect(await screen.findByRole("heading", { name: "You are signed out" })).toBeVisible();
  await Session.open(signInConfig, page);
  expect(page.leave).not.toHaveBeenCalled();
  window.history.replaceState(null, "", "/sign-in");
  await Session.open(signInConfig, page);
  expect(page.leave).toHaveBeenCalledWith(expect.stringMatching(`^${DOMAIN}/oauth2/authorize`));
});
