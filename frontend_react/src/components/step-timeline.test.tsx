import { screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Steps } from "@/api/steps";
import { renderPage } from "@/testing/render";
import { StepTimeline } from "./step-timeline";

const NOW = Date.now();
const secondsAgo = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();

async function shown(steps: Steps, status: "PROCESSING" | "FAILED") {
  renderPage(<StepTimeline steps={steps} status={status} />);
  const list = await screen.findByRole("list", { name: "Steps" });
  return within(list)
    .getAllByRole("listitem")
    .map((step) => step.textContent);
}

test("a live timeline gives the state, time and tries of each step", async () => {
  const steps: Steps = {
    validate_image: { state: "done", started_at: secondsAgo(9), ended_at: secondsAgo(8.2), attempts: 1, reason: null },
    infer_mask: { state: "running", started_at: secondsAgo(5.5), ended_at: null, attempts: 2, reason: null },
    analyze_image: {
      state: "failed",
      started_at: secondsAgo(8),
      ended_at: secondsAgo(6.5),
      attempts: 1,
      reason: "Rekognition is busy.",
    },
  };
  expect(await shown(steps, "PROCESSING")).toEqual([
    "Check the file: done800 ms",
    "Find the subject: runningtry 2 · 5.0 s",
    "Look for labels, faces and text: failed1.5 sRekognition is busy. It is tried again by itself.",
    "Cut out: waiting",
    "Save: waiting",
  ]);
});

test("a step that takes far longer than usual says so and what to do", async () => {
  const steps: Steps = {
    infer_mask: { state: "running", started_at: secondsAgo(150), ended_at: null, attempts: 1, reason: null },
    analyze_image: { state: "warming", started_at: secondsAgo(150), ended_at: null, attempts: 1, reason: null },
  };
  const [, stuck, warming] = await shown(steps, "PROCESSING");
  expect(stuck).toMatch(/far longer than usual.*start it again/);
  expect(warming).toMatch(/starting a server.*takes a few minutes/);
});

test("when it has failed, the reason stands at its step and the rest was not run", async () => {
  const steps: Steps = {
    infer_mask: {
      state: "failed",
      started_at: secondsAgo(60),
      ended_at: secondsAgo(58),
      attempts: 3,
      reason: "The endpoint has no room.",
    },
  };
  const [, failed, , cut] = await shown(steps, "FAILED");
  expect(failed).toBe("Find the subject: failedtry 3 · 2.0 sThe endpoint has no room.");
  expect(cut).toBe("Cut out: not run");
});
