import type { Schema } from "@/api/client";

type Status = Schema<"Status">;

interface StatusText {
  name: string;
  /** What it means for the owner, and what to do. */
  meaning: string;
}

const statuses: Record<Status, StatusText> = {
  AWAITING_UPLOAD: {
    name: "Waiting for the file",
    meaning: "The file has not arrived yet. If its upload was broken off, upload it again.",
  },
  PROCESSING: { name: "Processing", meaning: "The picture is on its way. This takes a few seconds." },
  SUCCEEDED: { name: "Done", meaning: "Everything worked." },
  PARTIAL: { name: "Partly done", meaning: "The cut-out is there; some of the analysis is missing." },
  REJECTED: { name: "Not taken", meaning: "The file cannot be used. Upload another one." },
  BLOCKED: { name: "Blocked", meaning: "Moderation found content that is not published." },
  FAILED: { name: "Failed", meaning: "Something broke on our side, and your file is safe. Start it again." },
};

export const status = {
  statuses,
  needsReview: "Needs a look",
  stepsOf: "Steps",
  steps: {
    upload: "Upload",
    validate_image: "Check the file",
    infer_mask: "Find the subject",
    analyze_image: "Look for labels, faces and text",
    apply_mask: "Cut out",
    save_result: "Save",
  } as Record<string, string>,
  stepStates: {
    waiting: "waiting",
    running: "running",
    warming: "starting a server",
    done: "done",
    failed: "failed",
    skipped: "not run",
  } as Record<string, string>,
  tries: (attempts: number) => `try ${attempts}`,
  willRetry: "It is tried again by itself.",
  warming: "The server for this was asleep and is starting. That takes a few minutes; you need not wait here.",
  stuck:
    "This takes far longer than usual. It ends by itself, as done or as failed; if nothing has changed in five minutes, start it again.",
  startAgain: "Start again",
};
