import { Blob } from "node:buffer";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { server } from "@/testing/server";
import { downloadZip, NothingFetched } from "./download-zip";

const FILES = [
  { name: "boat.png", url: "https://files.test/1" },
  { name: "Boat.png", url: "https://files.test/2" },
  { name: "../etc/a:b.png", url: "https://files.test/3" },
];

/** The save dialog, and what is written to the file chosen there. */
function stubSaveDialog() {
  const file = { bytes: [] as number[], isClosed: false };
  const createWritable = async () =>
    new WritableStream<Uint8Array>({
      write: (chunk) => void file.bytes.push(...chunk),
      close: () => {
        file.isClosed = true;
      },
    });
  vi.stubGlobal("showSaveFilePicker", async () => ({ createWritable }));
  return { file, text: () => new TextDecoder("latin1").decode(Uint8Array.from(file.bytes)) };
}

beforeEach(() => {
  // That of fetch's answers; jsdom has another one.
  vi.stubGlobal("Blob", Blob);
  vi.stubGlobal("showSaveFilePicker", undefined);
});

describe("downloadZip", () => {
  it("writes every file under a safe name of its own, and leaves out and names what cannot be fetched", async () => {
    server.use(
      http.get("https://files.test/1", () => HttpResponse.text("first")),
      http.get("https://files.test/2", () => HttpResponse.text("second")),
      http.get("https://files.test/3", () => HttpResponse.text("third")),
      http.get("https://files.test/4", () => HttpResponse.text("expired", { status: 403 })),
    );
    const { file, text } = stubSaveDialog();
    const progress: number[] = [];
    const lost = { name: "lost.png", find: () => Promise.reject(new Error("404")) };
    const expired = { name: "late.png", find: async () => ({ name: "expired.png", url: "https://files.test/4" }) };

    const missing = await downloadZip("all.zip", [...FILES, lost, expired], (done) => progress.push(done));

    expect(missing).toEqual(["lost.png", "late.png"]);
    expect(progress).toEqual([0, 1, 2, 3, 4, 5]);
    expect(file.isClosed).toBe(true);
    expect(text()).toMatch(/^PK.*boat\.png.*first.*Boat \(2\)\.png.*second.*\.\._etc_a_b\.png.*third/s);
    expect(text()).not.toMatch(/lost|expired/);
  });

  it("stops in the middle of a file when asked to, and leaves no file behind", async () => {
    const stop = new AbortController();
    server.use(
      http.get("https://files.test/1", () => HttpResponse.text("first")),
      http.get("https://files.test/2", () => {
        stop.abort();
        return HttpResponse.text("second");
      }),
    );
    const { file } = stubSaveDialog();

    await expect(downloadZip("all.zip", FILES, undefined, stop.signal)).rejects.toThrow(
      expect.objectContaining({ name: "AbortError" }),
    );
    expect(file.isClosed).toBe(false);
  });

  it("saves nothing if nothing can be fetched", async () => {
    server.use(http.get("https://files.test/*", () => HttpResponse.error()));
    const { file } = stubSaveDialog();

    await expect(downloadZip("all.zip", FILES)).rejects.toThrow(NothingFetched);
    expect(file.isClosed).toBe(false);
  });

  it("gathers the zip file in memory where there is no save dialog", async () => {
    server.use(http.get("https://files.test/1", () => HttpResponse.text("first")));
    const saved: Blob[] = [];
    Object.assign(URL, { createObjectURL: (zip: Blob) => saved.push(zip), revokeObjectURL: () => undefined });
    const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);

    await downloadZip("all.zip", FILES.slice(0, 1));

    expect(click).toHaveBeenCalledOnce();
    expect(await saved[0]?.text()).toContain("first");
  });
});
