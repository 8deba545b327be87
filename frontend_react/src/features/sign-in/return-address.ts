/** Addresses that have no page of their own: they begin and end signing in and out. */
export const PATHS = { signIn: "/sign-in", signedIn: "/signed-in", signedOut: "/signed-out" } as const;

/** The address to go to after sign-in: the one that was asked for, if it is a page of this site, else the first page. */
export function returnAddress(asked: unknown): string {
  const { origin } = window.location;
  const url = typeof asked === "string" && URL.canParse(asked, origin) ? new URL(asked, origin) : null;
  const isPage = url?.origin === origin && !Object.values<string>(PATHS).includes(url.pathname);
  // Whole, for a path of its own may begin with two slashes and so name another host.
  return isPage ? url.href : `${origin}/`;
}
