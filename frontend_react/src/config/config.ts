import { z } from "./zod";

const Config = z.object({
  /** Base URL of the HTTP API, without a slash at its end. */
  api_url: z.url().transform((url) => url.replace(/\/+$/, "")),
});

export type Config = z.infer<typeof Config>;

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
