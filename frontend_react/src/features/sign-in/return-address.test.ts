import { expect, test } from "vitest";
import { returnAddress } from "./return-address";

const { origin } = window.location;

test.each(["/results/1?status=FAILED&name=a%20b#text", "/", "/upload", "/.//evil.test/"])(
  "%s is a page to return to",
  (path) => {
    expect(returnAddress(origin + path)).toBe(new URL(path, origin).href);
    expect(returnAddress(path)).toMatch(`${origin}/`);
  },
);

test.each([
  "https://evil.test/",
  "//evil.test/",
  "/\\evil.test/",
  "javascript:alert(1)",
  `${origin}.evil.test/`,
  `${origin}@evil.test/`,
  "/signed-in?code=1",
  "/signed-out",
  "/sign-in",
  undefined,
  { pathname: "/" },
])("%s is not, so the first page is", (asked) => {
  expect(returnAddress(asked)).toBe(`${origin}/`);
});
