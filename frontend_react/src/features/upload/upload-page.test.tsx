import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent, { PointerEventsCheckLevel } from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ResultSummary } from "@/api/results";
import type { UploadRequest } from "@/api/uploads";
import { intake } from "@/testing/intake";
import { renderPage } from "@/testing/render";
import { API_URL, server } from "@/testing/server";
import { UploadIndicator } from "./upload-indicator";
import { UploadPage } from "./upload-page";

const POLLING_MS = 20;

vi.mock("@/api/polling", () => ({ usePollingInterval: () => POLLING_MS }));

const user = userEvent.setup({ delay: null, pointerEventsCheck: PointerEventsCheckLevel.Never });

const S3_URL = "http://uploads.test";

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4);
const photo = (name: string) => new File([JPEG], name, { type: "image/jpeg" });

const startedAt = new Date().toISOString();
const running = { state: "running", started_at: startedAt, ended_at: null, attempts: 1, reason: null } as const;

function summary(imageId: string, fileName: string, change: Partial<ResultSummary>): ResultSummary {
  return {
    image_id: imageId,
    file_name: fileName,
    status: "AWAITING_UPLOAD",
    status_reason: null,
    needs_review: false,
    created_at: startedAt,
    updated_at: startedAt,
    steps: {},
    width: null,
    height: null,
    labels: [],
    thumbnail: null,
    cutout_thumbnail: null,
    ...change,
  };
}

/** An API and a store that take everything; `log` says what was asked of them, `answers` what S3 says instead of 200. */
function makeBackend() {
  const log: string[] = [];
  const requests: UploadRequest[] = [];
  const pictures: ResultSummary[] = [];
  const answers: (() => Response | Promise<Response>)[] = [];
  server.use(
    http.get(`${API_URL}/intake`, () => HttpResponse.json(intake)),
    http.post(`${API_URL}/upload-url`, async ({ request }) => {
      const asked = (await request.json()) as UploadRequest;
      const imageId = `id-${requests.push(asked)}`;
      log.push(`ticket ${asked.fileName}`);
      pictures.unshift(summary(imageId, asked.fileName, {}));
      return HttpResponse.json({
        imageId,
        uploadUrl: `${S3_URL}/${imageId}?signature`,
        method: "PUT",
        headers: { "Content-Type": asked.fileType, "If-None-Match": "*" },
        key: `uploads/${imageId}`,
        expiresIn: 900,
      });
    }),
    http.put(`${S3_URL}/:imageId`, async ({ request, params }) => {
      const bytes = await request.arrayBuffer();
      log.push(`put ${params.imageId} ${bytes.byteLength} ${request.headers.get("If-None-Match")}`);
      return answers.shift()?.() ?? new HttpResponse(null, { status: 200 });
    }),
    http.get(`${API_URL}/results`, () => {
      log.push("list");
      return HttpResponse.json({ items: pictures, next_cursor: null });
    }),
    http.get(`${API_URL}/results/:imageId`, ({ params }) =>
      HttpResponse.json(pictures.find(({ image_id }) => image_id === params.imageId)),
    ),
    http.delete(`${API_URL}/results/:imageId`, ({ params }) => {
      log.push(`delete ${params.imageId}`);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  /** What the list says of a picture from now on. */
  function become(imageId: string, change: Partial<ResultSummary>) {
    const index = pictures.findIndex(({ image_id }) => image_id === imageId);
    pictures[index] = { ...pictures[index], ...change } as ResultSummary;
  }
  return { log, requests, answers, become, calls: () => log.filter((call) => call !== "list") };
}

const status = (code: number) => () => new HttpResponse(null, { status: code });

let backend: ReturnType<typeof makeBackend>;

beforeEach(() => {
  // Uppy looks at the network three seconds after it was made, when the test is over.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
  sessionStorage.clear();
  backend = makeBackend();
});

afterEach(() => {
  vi.useRealTimers();
});

async function choose(...files: File[]) {
  renderPage(
    <>
      <UploadIndicator />
      <UploadPage />
    </>,
  );
  await screen.findByRole("button", { name: "Choose pictures" });
  fireEvent.paste(window, { clipboardData: { files } });
  await screen.findAllByRole("listitem");
}

const start = (name: string | RegExp = "Upload 1 picture") => user.click(screen.getByRole("button", { name }));
const row = (name: string) => within(screen.getByRole("listitem", { name }));

test("a picture is sent with its options, watched step by step, and ends as a link to its result", async () => {
  await choose(photo("cat.jpg"));
  await user.click(screen.getByRole("button", { name: /^Options/ }));
  await user.click(await screen.findByRole("checkbox", { name: "AVIF (smallest)" }));
  await user.click(screen.getByRole("button", { name: "Mint" }));
  await start();

  await waitFor(() => expect(backend.calls()).toEqual(["ticket cat.jpg", "put id-1 8 *"]));
  expect(backend.requests[0]).toEqual({
    fileName: "cat.jpg",
    fileType: "image/jpeg",
    size: 8,
    options: { ...intake.default_options, formats: ["png", "webp", "avif"], background: "#c3fae8" },
  });

  backend.become("id-1", { status: "PROCESSING", steps: { validate_image: running } });
  expect(await row("cat.jpg").findByText(/^Check the file/)).toBeVisible();
  backend.become("id-1", {
    status: "SUCCEEDED",
    steps: { validate_image: { ...running, state: "done", ended_at: startedAt } },
  });
  expect(await row("cat.jpg").findByText("Done")).toBeVisible();
  expect(row("cat.jpg").getByRole("link", { name: "Open cat.jpg" })).toHaveAttribute("href", "/results/id-1");

  const asked = backend.log.length;
  await vi.advanceTimersByTimeAsync(5 * POLLING_MS);
  expect(backend.log).toHaveLength(asked);
});

test("what cannot be taken says why, and nothing is sent of it", async () => {
  const cat = photo("cat.jpg");
  await choose(new File([], "empty.jpg"), new File(["Dear Sir"], "letter.jpg"), cat, cat);
  expect(row("empty.jpg").getByText("The file is empty. Choose another one.")).toBeVisible();
  expect(row("letter.jpg").getByText(/not a picture of a kind that is taken/)).toBeVisible();
  expect(screen.getByText("This file is in the list already.")).toBeVisible();
  await start();
  await waitFor(() => expect(backend.calls()).toEqual(["ticket cat.jpg", "put id-1 8 *"]));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await screen.findByText("1 picture sent, 3 files with a problem")).toBeInTheDocument();
});

test("a lost answer is no second upload: the next try finds the file there", async () => {
  backend.answers.push(() => HttpResponse.error(), status(412));
  await choose(photo("cat.jpg"));
  await start();
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
  expect(backend.calls()).toEqual(["ticket cat.jpg", "put id-1 8 *", "put id-1 8 *"]);
});

test("an expired ticket is replaced by a new one, and its record is not left behind", async () => {
  backend.answers.push(status(403));
  await choose(photo("cat.jpg"));
  await start();
  expect(await row("cat.jpg").findByText(/tried again in a moment/)).toBeVisible();
  expect(screen.getByRole("link", { name: "Uploading 1 file, 0%" })).toBeVisible();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
  expect(backend.calls()).toEqual(["ticket cat.jpg", "put id-1 8 *", "delete id-1", "ticket cat.jpg", "put id-2 8 *"]);
});

test("offline, files wait; back online, they go on by themselves", async () => {
  const onLine = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  await choose(photo("cat.jpg"));
  await start();
  expect(await row("cat.jpg").findByText(/You are offline/)).toBeVisible();
  onLine.mockReturnValue(true);
  fireEvent(window, new Event("online"));
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
});

test("an upload can be cancelled and sent again", async () => {
  let release: (answer: Response) => void = () => undefined;
  backend.answers.push(() => new Promise((resolve) => (release = resolve)));
  await choose(photo("cat.jpg"));
  await start();
  await waitFor(() => expect(backend.calls()).toContain("put id-1 8 *"));
  const leaving = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(leaving);
  expect(leaving.defaultPrevented).toBe(true);

  await user.click(screen.getByRole("button", { name: "Cancel cat.jpg" }));
  release(new HttpResponse(null, { status: 200 }));
  expect(row("cat.jpg").getByText("Cancelled")).toBeVisible();
  await waitFor(() => expect(backend.calls()).toContain("delete id-1"));

  await user.click(screen.getByRole("button", { name: "Upload cat.jpg again" }));
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
  expect(backend.calls().at(-1)).toBe("put id-2 8 *");
});

test("what had arrived before it was cancelled is said to be sent", async () => {
  backend.answers.push(() => new Promise(() => undefined));
  const refusal = { detail: "The picture is being processed." };
  server.use(http.delete(`${API_URL}/results/:imageId`, () => HttpResponse.json(refusal, { status: 409 })));
  await choose(photo("cat.jpg"));
  await start();
  await waitFor(() => expect(backend.calls()).toContain("put id-1 8 *"));

  await user.click(screen.getByRole("button", { name: "Cancel cat.jpg" }));
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
});

test("the API's refusal is shown in its words, and can be tried again", async () => {
  server.use(
    http.post(
      `${API_URL}/upload-url`,
      () => HttpResponse.json({ title: "Bad Request", detail: "fileName: too strange." }, { status: 400 }),
      { once: true },
    ),
  );
  await choose(photo("cat.jpg"));
  await start();
  expect(await row("cat.jpg").findByText("It was not accepted: fileName: too strange.")).toBeVisible();
  expect(screen.getByRole("link", { name: "1 file not sent" })).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Upload cat.jpg again" }));
  expect(await row("cat.jpg").findByText(/Sent; its processing begins/)).toBeVisible();
});

test("how much of today is used is shown and counted, and a file beyond it says when it can be sent", async () => {
  let used = 19;
  const quota = () => ({ limit: 20, used, resets_at: new Date(2026, 10, 22, 1, 0).toISOString() });
  server.use(
    http.get(`${API_URL}/intake`, () => HttpResponse.json({ ...intake, quota: quota() })),
    http.post(`${API_URL}/upload-url`, () => {
      if (used < 20) {
        used++;
        return undefined;
      }
      const refusal = { detail: "You may upload 20 pictures a day." };
      return HttpResponse.json(refusal, { status: 429, headers: { "Retry-After": "7200" } });
    }),
  );
  await choose(photo("cat.jpg"), photo("dog.jpg"));
  expect(screen.getByText("19 of 20 pictures today.")).toBeVisible();
  await start("Upload 2 pictures");
  expect(await screen.findByText(/^You have uploaded as many pictures today as you may. Try again from/)).toBeVisible();
  expect(await screen.findByText("20 of 20 pictures today. More can be uploaded from 1:00 AM.")).toBeVisible();
  expect(backend.calls().filter((call) => call.startsWith("ticket"))).toHaveLength(1);

  used = 0;
  await user.click(screen.getByRole("button", { name: /^Upload (cat|dog).jpg again$/ }));
  expect(await screen.findByText("1 of 20 pictures today.")).toBeVisible();
});

test("a failed picture says why and can be started again", async () => {
  server.use(
    http.post(`${API_URL}/results/id-1/resume`, () => {
      backend.become("id-1", { status: "SUCCEEDED" });
      return HttpResponse.json({ detail: "The picture is being resumed already." }, { status: 409 });
    }),
  );
  await choose(photo("cat.jpg"));
  await start();
  await waitFor(() => expect(backend.calls()).toHaveLength(2));
  backend.become("id-1", { status: "FAILED", status_reason: "The endpoint had no room." });
  expect(await row("cat.jpg").findByText(/The endpoint had no room. Something broke on our side/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Start again: cat.jpg" }));
  expect(await row("cat.jpg").findByText("Done")).toBeVisible();
});

test("where nothing can be known of what is taken, the page says so and asks again", async () => {
  server.use(
    http.get(`${API_URL}/intake`, () => HttpResponse.json({ detail: "Not now." }, { status: 400 }), { once: true }),
  );
  renderPage(<UploadPage />);
  expect(await screen.findByRole("alert")).toHaveTextContent("Not now.");
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("button", { name: "Choose pictures" })).toBeVisible();
});
