import { HttpResponse, http } from "msw";
import type { SignIn } from "@/config/config";
import { server } from "./server";

export const DOMAIN = "http://sign-in.test";

export const signInConfig: SignIn = {
  issuer: "https://issuer.test/pool",
  domain_url: DOMAIN,
  client_id: "dashboard",
  scopes: ["openid", "email", "matteflow/pictures.read", "matteflow/pictures.write"],
};

const encoded = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, "");

export const idToken = (sub: string) =>
  `${encoded({ alg: "none" })}.${encoded({ sub, email: `${sub}@people.test` })}.signature`;

/** What a tab keeps, and tells other tabs, of a person whose token has some seconds to live. */
export const storedUser = (sub: string, token: string, livesS = 3_600) =>
  JSON.stringify({
    access_token: token,
    refresh_token: `refresh of ${token}`,
    token_type: "Bearer",
    profile: { sub, email: `${sub}@people.test` },
    expires_at: Math.floor(Date.now() / 1_000) + livesS,
  });

/** The endpoints of sign-in; `grants` is what was asked of them, `refuse` what they refuse it with from now on. */
export function serveSignIn() {
  const grants: Record<string, string>[] = [];
  const revoked: Record<string, string>[] = [];
  let refusal: (() => Response) | undefined;
  server.use(
    http.post(`${DOMAIN}/oauth2/token`, async ({ request }) => {
      grants.push(Object.fromEntries(new URLSearchParams(await request.text())));
      const isRenewal = grants.at(-1)?.grant_type === "refresh_token";
      return (
        refusal?.() ??
        HttpResponse.json({
          access_token: `token ${grants.length}`,
          ...(!isRenewal && { refresh_token: "refresh token" }),
          id_token: idToken("ada"),
          token_type: "Bearer",
          expires_in: 3_600,
        })
      );
    }),
    http.post(`${DOMAIN}/oauth2/revoke`, async ({ request }) => {
      revoked.push(Object.fromEntries(new URLSearchParams(await request.text())));
      return new HttpResponse(null, { status: 200 });
    }),
  );
  return {
    grants,
    revoked,
    refuse: (answer: () => Response) => {
      refusal = answer;
    },
  };
}
