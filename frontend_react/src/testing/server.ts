import { setupServer } from "msw/node";

export const API_URL = "http://api.test";

/** The API as a test has it answer; a request that no handler knows fails the test. */
export const server = setupServer();
