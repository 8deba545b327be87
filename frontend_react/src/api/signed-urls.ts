import { replaceEqualDeep } from "@tanstack/react-query";

const MINUTE = 60_000;

/** When a signed URL of S3 or CloudFront stops working, in milliseconds since 1970; null if it is no signed URL. */
export function expiryOf(url: string): number | null {
  return lifetimeOf(url)?.until ?? null;
}

/** Whether a signed URL has more than half of its life ahead of it. */
export function isFresh(url: string, now = Date.now()): boolean {
  const lifetime = lifetimeOf(url);
  return lifetime !== null && lifetime.until - now > (lifetime.until - lifetime.since) / 2;
}

/**
 * An answer with the fresh URLs of the one before it, for a query's `structuralSharing`: every answer is signed anew,
 * and a browser would fetch each picture again under its new address.
 */
export function keepSignedUrls(before: unknown, now: unknown): unknown {
  const kept = new Map(
    strings(before)
      .filter((text) => isFresh(text))
      .map((url) => [addressOf(url), url]),
  );
  const shared = kept.size ? mapStrings(now, (text) => (lifetimeOf(text) && kept.get(addressOf(text))) || text) : now;
  return replaceEqualDeep(before, shared);
}

function lifetimeOf(url: string): { since: number; until: number } | null {
  const [, query] = url.split("?", 2);
  if (!url.startsWith("http") || !query) {
    return null;
  }
  const parameters = new URLSearchParams(query);
  const end = Number(parameters.get("Expires")) * 1_000;
  if (end) {
    return { since: end - 2 * MINUTE, until: end }; // CloudFront tells the end alone: fresh until a minute before it
  }
  const [, year, month, day, hours, minutes, seconds] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("X-Amz-Date") ?? "") ?? [];
  const since = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  const until = since + Number(parameters.get("X-Amz-Expires")) * 1_000;
  return Number.isNaN(until) ? null : { since, until };
}

/** The object that a URL names, whatever it is signed for. */
const addressOf = (url: string): string => url.split("?", 1)[0] ?? url;

function strings(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") {
    return map(value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => mapStrings(item, map));
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]))
    : value;
}
