import { expect, test } from "vitest";
import { expiryOf, isFresh, keepSignedUrls } from "./signed-urls";

const MINUTE = 60_000;

const signed = (name: string, minutesAgo: number) => {
  const date = new Date(Date.now() - minutesAgo * MINUTE).toISOString().replace(/[-:]|\.\d+/g, "");
  return `https://bucket.test/${name}?X-Amz-Date=${date}&X-Amz-Expires=900&X-Amz-Signature=${minutesAgo}`;
};

test("a signed URL says until when it works", () => {
  const url = "https://bucket.test/a.png?X-Amz-Date=20261121T120000Z&X-Amz-Expires=900";
  const noon = Date.parse("2026-11-21T12:00:00Z");
  expect(expiryOf(url)).toBe(noon + 15 * MINUTE);
  expect(isFresh(url, noon + 7 * MINUTE)).toBe(true);
  expect(isFresh(url, noon + 8 * MINUTE)).toBe(false);
  expect(expiryOf("https://bucket.test/a.png")).toBeNull();
  expect(expiryOf("What is it? A file name.")).toBeNull();
});

test("of CloudFront, which tells the end alone, a URL is fresh until a minute before it", () => {
  const url = "https://results.test/a.png?Expires=1795262400&Signature=a&Key-Pair-Id=K1";
  const end = 1_795_262_400_000;
  expect(expiryOf(url)).toBe(end);
  expect(isFresh(url, end - 2 * MINUTE)).toBe(true);
  expect(isFresh(url, end - MINUTE)).toBe(false);
});

test("an answer keeps the fresh URLs of the one before, and takes the new ones of the others", () => {
  const before = { items: [{ url: signed("fresh.png", 1) }, { url: signed("old.png", 10) }], status: "PROCESSING" };
  const now = {
    items: [{ url: signed("fresh.png", 0) }, { url: signed("old.png", 0) }, { url: signed("new.png", 0) }],
    status: "SUCCEEDED",
  };
  expect(keepSignedUrls(before, now)).toEqual({
    items: [before.items[0], now.items[1], now.items[2]],
    status: "SUCCEEDED",
  });
  expect(keepSignedUrls(undefined, now)).toBe(now);
});
