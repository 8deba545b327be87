import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { server } from "@/testing/server";
import { signInConfig } from "@/testing/sign-in";
import { ConfigError, loadConfig } from "./config";

const URL_OF_CONFIG = "http://site.test/config.json";

function load(config: object) {
  server.use(http.get(URL_OF_CONFIG, () => HttpResponse.json(config)));
  return loadConfig(URL_OF_CONFIG);
}

test.each([
  ["https://api.test/", "https://api.test"],
  ["http://127.0.0.1:4566/_aws/execute-api/abc", "http://127.0.0.1:4566/_aws/execute-api/abc"],
  ["/api", `${window.location.origin}/api`],
])("the API is at %s", async (given, api_url) => {
  expect(await load({ api_url: given })).toEqual({ api_url, sign_in: null });
  expect(await load({ api_url: given, sign_in: null })).toEqual({ api_url, sign_in: null });
});

test("where one has to sign in, it says how", async () => {
  const sign_in = { ...signInConfig, domain_url: `${signInConfig.domain_url}/` };
  expect((await load({ api_url: "/api", sign_in })).sign_in).toEqual(signInConfig);
});

test.each([
  {},
  { api_url: "api" },
  { api_url: "//api.test" },
  { api_url: "/api", sign_in: {} },
  { api_url: "/api", sign_in: { ...signInConfig, scopes: [] } },
])("%o is not taken", async (config) => {
  await expect(load(config)).rejects.toBeInstanceOf(ConfigError);
});
