import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import type { Metrics } from "@/api/metrics";
import { renderPage } from "@/testing/render";
import { API_URL, server } from "@/testing/server";
import { niceCeiling } from "./daily-chart";
import { MetricsPage } from "./metrics-page";

const METRICS: Metrics = {
  since: "2026-11-20T00:00:00Z",
  until: "2026-11-21T12:00:00Z",
  complete: true,
  pictures: 13,
  by_status: { AWAITING_UPLOAD: 0, PROCESSING: 1, SUCCEEDED: 8, PARTIAL: 1, REJECTED: 1, BLOCKED: 0, FAILED: 2 },
  success_share: 0.75,
  days: [
    { date: "2026-11-20", pictures: 3, succeeded: 3, failed: 0 },
    { date: "2026-11-21", pictures: 10, succeeded: 6, failed: 2 },
  ],
  steps: {
    infer_mask: { median_ms: 1240, p95_ms: 4100, count: 12 },
    validate_image: { median_ms: 183.2, p95_ms: 410.9, count: 13 },
  },
  labels: [
    { name: "Dog", count: 7 },
    { name: "Boat", count: 1 },
  ],
};

const EMPTY: Metrics = { ...METRICS, pictures: 0, by_status: {}, success_share: null, days: [], steps: {}, labels: [] };

const serve = (of: (days: string | null) => Metrics) =>
  server.use(
    http.get(`${API_URL}/metrics`, ({ request }) =>
      HttpResponse.json(of(new URL(request.url).searchParams.get("days"))),
    ),
  );

const section = (name: string) => within(screen.getByRole("region", { name }));

describe("MetricsPage", () => {
  it("says in numbers how the pictures went", async () => {
    serve(() => METRICS);
    renderPage(<MetricsPage />);

    expect(await screen.findByText("75%")).toBeInTheDocument();
    expect(screen.getByText("9 of 12 that have ended")).toBeInTheDocument();
    expect(screen.getByText("6.5 a day")).toBeInTheDocument();
    expect(screen.getByRole("img")).toHaveAccessibleName("13 pictures from Nov 20 to Nov 21, at most 10 on Nov 21.");
    const [, first, second] = section("Time of each step").getAllByRole("row");
    expect(first).toHaveTextContent("Check the file183 ms411 ms");
    expect(second).toHaveTextContent("Find the subject1.2 s4.1 s");
    expect(section("By status").getAllByRole("link")[0]).toHaveTextContent("Done861.5%");
    expect(screen.queryByText(/are counted at once/)).not.toBeInTheDocument();
  });

  it("draws each day to scale, and lists it in a table", async () => {
    serve(() => METRICS);
    renderPage(<MetricsPage />);
    const chart = await screen.findByRole("img");

    const second = within(chart).getByText("Nov 21: 10 in all, 6 done, 2 failed").parentElement;
    const bars = [...(second?.querySelectorAll("rect") ?? [])].slice(1);
    expect(bars.map((bar) => [bar.getAttribute("y"), bar.getAttribute("height")])).toEqual([
      ["4", "6"],
      ["2", "2"],
      ["0", "2"],
    ]);

    await userEvent.click(screen.getByText("Show as a table"));
    const [, newest] = section("Pictures a day").getAllByRole("row");
    expect(newest).toHaveTextContent("Nov 211062");
  });

  it("leads from a label to its pictures, and shows frequent ones larger", async () => {
    serve(() => METRICS);
    renderPage(<MetricsPage />);

    const dog = await screen.findByRole("link", { name: "Dog: 7 pictures" });
    expect(dog).toHaveAttribute("href", "/?label=Dog");
    const boat = screen.getByRole("link", { name: "Boat: 1 picture" });
    expect(Number.parseFloat(dog.style.fontSize)).toBeGreaterThan(Number.parseFloat(boat.style.fontSize));
  });

  it("asks for the range chosen, says so if not all were counted, and if there is nothing to count", async () => {
    serve((days) => (days === "90" ? { ...METRICS, complete: false, pictures: 5_000 } : EMPTY));
    renderPage(<MetricsPage />);
    expect(await screen.findByText("No picture came in the last 30 days.")).toBeInTheDocument();

    await userEvent.click(screen.getByRole("radio", { name: "90 days" }));
    await waitFor(() => expect(screen.getByText(/these numbers are of the newest 5,000/)).toBeInTheDocument());
  });

  it("says why there are no numbers, and asks again", async () => {
    serve(() => METRICS);
    server.use(
      http.get(`${API_URL}/metrics`, () => HttpResponse.json({ detail: "Sign in again." }, { status: 401 }), {
        once: true,
      }),
    );
    renderPage(<MetricsPage />);
    expect(await screen.findByText("Sign in again.")).toBeInTheDocument();

    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("75%")).toBeInTheDocument();
  });
});

describe("niceCeiling", () => {
  it.each([
    [0, 1],
    [1, 1],
    [3, 4],
    [5, 6],
    [9, 10],
    [10, 10],
    [43, 60],
    [900, 1000],
  ])("of %d is %d", (value, ceiling) => expect(niceCeiling(value)).toBe(ceiling));
});
