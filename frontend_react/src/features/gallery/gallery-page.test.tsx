import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Metrics } from "@/api/metrics";
import type { ResultSummary } from "@/api/results";
import { renderPage } from "@/testing/render";
import { API_URL, server } from "@/testing/server";
import { GalleryPage } from "./gallery-page";

const PAGE = 4;
const NAMES = ["ant.jpg", "bee.jpg", "cat.jpg", "dog.jpg"];

function picture(name: string, facts: Partial<ResultSummary> = {}): ResultSummary {
  const output = { format: "jpg", width: 640, height: 480, bytes: 9, window: null, background: null };
  return {
    image_id: `id-of-${name}`,
    file_name: name,
    status: "SUCCEEDED",
    status_reason: null,
    needs_review: false,
    created_at: new Date().toISOString(),
    updated_at: new Date().toISOString(),
    steps: {},
    width: 1600,
    height: 1200,
    labels: ["Animal"],
    thumbnail: { ...output, kind: "thumbnail", key: "t", url: `https://files.test/${name}` },
    cutout_thumbnail: { ...output, kind: "cutout_thumbnail", key: "c", url: `https://files.test/${name}.png` },
    ...facts,
  };
}

/** An API that has these pictures, and what it is asked. */
function serve(pictures: ResultSummary[]) {
  const asked: Record<string, string>[] = [];
  const deleted: string[] = [];
  server.use(
    http.get(`${API_URL}/results`, ({ request }) => {
      const query = Object.fromEntries(new URL(request.url).searchParams);
      asked.push(query);
      const fitting = pictures.filter(
        ({ file_name, status, labels }) =>
          file_name.includes(query.name ?? "") &&
          (!query.status || query.status === status) &&
          (!query.label || labels.includes(query.label)),
      );
      const from = Number(query.cursor ?? 0);
      const to = from + PAGE;
      return HttpResponse.json({
        items: fitting.slice(from, to),
        next_cursor: to < fitting.length ? String(to) : null,
      });
    }),
    http.get(`${API_URL}/metrics`, () =>
      HttpResponse.json<Pick<Metrics, "labels">>({ labels: [{ name: "Insect", count: 2 }] }),
    ),
    http.delete(`${API_URL}/results/:id`, ({ params }) => {
      const index = pictures.findIndex(({ image_id }) => image_id === params.id);
      if (pictures[index]?.status === "PROCESSING") {
        return HttpResponse.json({ detail: "The picture is being processed." }, { status: 409 });
      }
      deleted.push(String(params.id));
      pictures.splice(index, 1);
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return { asked, deleted };
}

/** Say that everything that is watched is seen, or that nothing is. */
function stubVisibility(isIntersecting: boolean) {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      observe: () => void;
      constructor(onChange: (entries: { isIntersecting: boolean }[]) => void) {
        this.observe = () => onChange([{ isIntersecting }]);
      }
      disconnect() {}
    },
  );
}

/** A picture whose thumbnail's URL was signed just now. */
function signedPicture(name: string): ResultSummary {
  const { thumbnail, ...facts } = picture(name);
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const url = `https://files.test/${name}?X-Amz-Date=${now}&X-Amz-Expires=900`;
  return { ...facts, thumbnail: thumbnail && { ...thumbnail, url } };
}

const card = (name: string) => screen.findByRole("link", { name });
const names = () =>
  within(screen.getByRole("list", { name: "Pictures, newest first" }))
    .getAllByRole("link")
    .map((link) => link.textContent)
    .filter((text) => text?.endsWith(".jpg"));
const select = (name: string) => screen.getByRole("checkbox", { name: `Select ${name}` });

beforeEach(() => stubVisibility(false));
afterEach(() => void vi.useRealTimers());

describe("GalleryPage", () => {
  it("shows a page of pictures, and the next one when asked to", async () => {
    serve([...NAMES, "eel.jpg"].map((name) => picture(name)));
    renderPage(<GalleryPage />);
    await card("ant.jpg");
    expect(screen.getByText("4 pictures loaded")).toBeInTheDocument();

    await userEvent.click(screen.getByRole("button", { name: "Load more" }));

    await card("eel.jpg");
    expect(names()).toEqual([...NAMES, "eel.jpg"]);
    expect(screen.getByText("5 pictures")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Load more" })).not.toBeInTheDocument();
  });

  it("shows a picture's step and time while it is in process, and its end without being asked", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    const begun = { state: "running", started_at: new Date().toISOString(), attempts: 1 } as const;
    const pictures = [
      picture("ant.jpg", { status: "PROCESSING", thumbnail: null, labels: [], steps: { infer_mask: begun } }),
      picture("bee.jpg", { status: "FAILED", status_reason: "The endpoint is gone.", thumbnail: null }),
    ];
    serve(pictures);
    renderPage(<GalleryPage />);
    await card("ant.jpg");
    expect(screen.getByText(/Find the subject/)).toBeInTheDocument();
    expect(screen.getByText("The endpoint is gone.")).toBeInTheDocument();
    expect(screen.getByText("2 pictures, 1 in process")).toBeInTheDocument();

    pictures[0] = picture("ant.jpg");

    expect(await screen.findByText("Done", { selector: "li *" }, { timeout: 3_000 })).toBeInTheDocument();
    expect(screen.queryByText(/Find the subject/)).not.toBeInTheDocument();
  });

  it("renews the first page by itself, and of the others those with a picture in process", async () => {
    vi.spyOn(document, "hasFocus").mockReturnValue(true);
    const pictures = Array.from({ length: 3 * PAGE }, (_, index) => signedPicture(`${index}.jpg`));
    pictures[9] = picture("9.jpg", { status: "PROCESSING", thumbnail: null });
    const { asked } = serve(pictures);
    renderPage(<GalleryPage />);
    await card("0.jpg");
    for (const last of ["7.jpg", "11.jpg"]) {
      await userEvent.click(screen.getByRole("button", { name: "Load more" }));
      await card(last);
    }
    pictures[9] = signedPicture("9.jpg");

    await waitFor(() => expect(screen.queryByText("Processing", { selector: "li *" })).not.toBeInTheDocument());
    const times = (page?: string) => asked.filter(({ cursor }) => cursor === page).length;
    expect([times() > 1, times("4"), times("8") > 1]).toEqual([true, 1, true]);
  });

  it("renews filtered pictures while one is in process, and no longer", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"], shouldAdvanceTime: true });
    const pictures = [picture("ant.jpg"), picture("bee.jpg", { status: "PROCESSING", thumbnail: null })];
    const { asked } = serve(pictures);
    renderPage(<GalleryPage />, "/?name=.jpg");
    await card("bee.jpg");
    pictures[1] = picture("bee.jpg");

    await vi.advanceTimersByTimeAsync(15_000);
    await waitFor(() => expect(screen.getAllByText("Done", { selector: "li *" })).toHaveLength(2));
    const renewed = asked.length;
    await vi.advanceTimersByTimeAsync(60_000);

    expect(asked).toHaveLength(renewed);
  });

  it("goes on behind pages on which nothing fits, and says so, until there is something or no more", async () => {
    stubVisibility(true);
    const reached: (() => void)[] = [];
    const pages = [
      { items: [], next_cursor: "1" },
      { items: [], next_cursor: "2" },
      { items: [picture("eel.jpg")], next_cursor: "3" },
      { items: [], next_cursor: null },
    ];
    server.use(
      http.get(`${API_URL}/results`, async ({ request }) => {
        const page = Number(new URL(request.url).searchParams.get("cursor") ?? 0);
        await new Promise<void>((resolve) => (page === 1 ? reached.push(resolve) : resolve()));
        return HttpResponse.json(pages[page]);
      }),
    );
    renderPage(<GalleryPage />, "/?name=eel");

    expect(await screen.findByText("Searching")).toBeInTheDocument();
    expect(screen.queryByText("No picture fits")).not.toBeInTheDocument();
    await waitFor(() => expect(reached).toHaveLength(1));
    reached[0]?.();

    await card("eel.jpg");
    expect(await screen.findByText("1 picture")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Load more" })).not.toBeInTheDocument();
  });

  it("filters by name and status, which the URL says", async () => {
    const { asked } = serve([
      picture("ant.jpg"),
      picture("bee.jpg"),
      picture("bees.jpg", { status: "PARTIAL" }),
      picture("eel.jpg", { status: "PARTIAL" }),
    ]);
    const router = renderPage(<GalleryPage />);
    await card("ant.jpg");

    await userEvent.type(screen.getByRole("searchbox", { name: "File name" }), "bee");
    await waitFor(() => expect(names()).toEqual(["bee.jpg", "bees.jpg"]));
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Status" }), "Partly done");
    await waitFor(() => expect(names()).toEqual(["bees.jpg"]));

    expect(asked.map(({ name }) => name)).not.toContain("b");
    expect(router.state.location.search).toEqual({ name: "bee", status: "PARTIAL" });
  });

  it("filters by a label that is chosen, typed or clicked", async () => {
    serve([picture("ant.jpg"), picture("bee.jpg", { labels: ["Insect"] })]);
    renderPage(<GalleryPage />);
    await card("ant.jpg");
    const label = screen.getByRole("combobox", { name: "Label" });

    await userEvent.click(label);
    await waitFor(() => expect(document.querySelector("datalist option")).toHaveValue("Insect"));
    await userEvent.type(label, "Insect");
    await waitFor(() => expect(names()).toEqual(["bee.jpg"]));

    await userEvent.type(label, "s{Enter}");
    await userEvent.click(await screen.findByRole("link", { name: "Clear the filters" }));
    await card("ant.jpg");
    expect(label).toHaveValue("");

    await userEvent.click(screen.getByRole("link", { name: "Pictures with the label Insect" }));
    await waitFor(() => expect(names()).toEqual(["bee.jpg"]));
    expect(label).toHaveValue("Insect");
  });

  it("selects by shift and all at once, and forgets it on Escape", async () => {
    serve(NAMES.map((name) => picture(name)));
    renderPage(<GalleryPage />);
    await card("ant.jpg");
    const user = userEvent.setup();

    await user.click(select("cat.jpg"));
    await user.keyboard("{Shift>}");
    await user.click(select("ant.jpg"));
    await user.keyboard("{/Shift}");
    expect(screen.getByText("3 selected")).toBeInTheDocument();
    expect(select("dog.jpg")).not.toBeChecked();

    await user.click(screen.getByRole("button", { name: "Select all 4" }));
    expect(select("dog.jpg")).toBeChecked();
    await user.keyboard("{Escape}");
    expect(screen.getByText("4 pictures")).toBeInTheDocument();
    expect(select("ant.jpg")).not.toBeChecked();
  });

  it("brings deleted pictures back on undo, without a word to the API", async () => {
    const { deleted } = serve(NAMES.map((name) => picture(name)));
    renderPage(<GalleryPage />);
    await card("ant.jpg");

    await userEvent.click(select("bee.jpg"));
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(names()).toEqual(["ant.jpg", "cat.jpg", "dog.jpg"]);
    await userEvent.click(await screen.findByRole("button", { name: "Undo" }));

    await card("bee.jpg");
    expect(deleted).toEqual([]);
  });

  it("deletes once the time for undo is over, and brings back what cannot be deleted, with the reason", async () => {
    const { deleted } = serve([picture("ant.jpg"), picture("bee.jpg", { status: "PROCESSING" }), picture("cat.jpg")]);
    renderPage(<GalleryPage />);
    await card("ant.jpg");

    await userEvent.click(select("ant.jpg"));
    await userEvent.click(select("bee.jpg"));
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(names()).toEqual(["cat.jpg"]);
    expect(deleted).toEqual([]);
    await userEvent.click(within(await screen.findByRole("alert")).getByRole("button", { name: "Close" }));

    expect(await screen.findByText("bee.jpg: The picture is being processed.")).toBeInTheDocument();
    expect(deleted).toEqual(["id-of-ant.jpg"]);
    expect(names()).toEqual(["bee.jpg", "cat.jpg"]);
  });

  it("leads to the upload page while there are no pictures", async () => {
    serve([]);
    renderPage(<GalleryPage />);
    expect(await screen.findByRole("heading", { name: "No pictures yet" })).toBeInTheDocument();
    expect(screen.getAllByRole("link", { name: "Upload pictures" }).at(-1)).toHaveAttribute("href", "/upload");
  });

  it("says why the pictures could not be loaded, and loads them when asked again", async () => {
    const refusal = { detail: "Sign in again." };
    serve([picture("ant.jpg")]);
    server.use(http.get(`${API_URL}/results`, () => HttpResponse.json(refusal, { status: 401 }), { once: true }));
    renderPage(<GalleryPage />);
    expect(await screen.findByText("Sign in again.")).toBeInTheDocument();

    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await card("ant.jpg")).toBeInTheDocument();
  });
});
