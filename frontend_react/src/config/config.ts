import { z } from "./zod";

const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

const SignIn = z.object({
  issuer: z.url(),
  /** What has the pages and endpoints of sign-in under it. */
  domain_url: z.url().transform(withoutSlash),
  client_id: z.string().min(1),
  scopes: z.array(z.string()).min(1),
});

const Config = z.object({
  /** Base URL of the HTTP API, without a slash at its end; the file may give a path on this site. */
  api_url: z
    .union([z.url(), z.string().regex(/^\/(?!\/)/, "neither a URL nor a path on this site")])
    .transform((url) => withoutSlash(new URL(url, window.location.origin).href)),
  /** Null where everybody may call the API. */
  sign_in: SignIn.nullable().default(null),
});

export type Config = z.infer<typeof Config>;
export type SignIn = z.infer<typeof SignIn>;

/** The file that says where this site's API is cannot be read; the message says why. */
export class ConfigError extends Error {}

/**
 * Read `config.json`, which lies beside the site and is all that differs between environments.
 *
 * @throws ConfigError if it is missing or malformed.
 */
export async function loadConfig(url = "/config.json"): Promise<Config> {
  const answer = await fetch(url, { cache: "no-store" }).catch((error: unknown) => {
    throw new ConfigError(`${url} cannot be fetched: ${error}`);
  });
  if (!answer.ok) {
    throw new ConfigError(`${url} answers ${answer.status}`);
  }
  const parsed = Config.safeParse(await answer.json().catch(() => undefined));
  if (!parsed.success) {
    throw new ConfigError(`${url}: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
