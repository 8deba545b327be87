import { fireEvent, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { CompositeRequest, Result } from "@/api/results";
import { renderPage } from "@/testing/render";
import { API_URL, server } from "@/testing/server";
import { texts } from "@/texts";
import { output, resultOf } from "./result.fixture";
import { ResultPage } from "./result-page";

const RESULT = `${API_URL}/results/:imageId`;

const problem = (status: number, detail: string) =>
  HttpResponse.json({ type: "about:blank", title: "", status, detail, instance: "" }, { status });

/** The page of a picture as the API has it now. */
function open(current: () => Result | HttpResponse<never> | ReturnType<typeof problem>) {
  server.use(
    http.get(RESULT, () => {
      const answer = current();
      return answer instanceof Response ? answer : HttpResponse.json(answer);
    }),
  );
  return renderPage(<ResultPage />, `/results/${resultOf().image_id}`, "/results/$imageId");
}

test("shows what became of a picture, and where its line between before and after is", async () => {
  open(() => resultOf());

  expect(await screen.findByRole("heading", { level: 1, name: "boat.jpg" })).toBeVisible();
  expect(document.title).toBe("boat.jpg · Matteflow");
  const slider = screen.getByRole("slider", { name: texts.result.slider });
  expect(slider).toHaveAttribute("aria-valuetext", "50% original");
  fireEvent.change(slider, { target: { value: "30" } });
  expect(slider).toHaveAttribute("aria-valuetext", "30% original");
  expect(screen.getByRole("link", { name: "Boat" })).toHaveAttribute("href", "/?label=Boat");
  const file = within(screen.getByRole("region", { name: texts.result.file }));
  expect(file.getByText("4000 × 3000 (12 MP)")).toBeVisible();
  expect(file.getByText("1/250 s")).toBeVisible();
  expect(within(screen.getByRole("region", { name: texts.result.mask })).getByText("left and bottom")).toBeVisible();
});

test("draws what was found over the picture on demand, in words too", async () => {
  const user = userEvent.setup();
  open(() => resultOf());

  await user.click(await screen.findByRole("checkbox", { name: "1 face" }));
  await user.click(screen.getByRole("checkbox", { name: "1 line of text" }));

  const face = within(screen.getByRole("list", { name: texts.result.faceBoxes })).getByRole("listitem");
  expect(face).toHaveTextContent("Face 1, 99.1% sure");
  expect(face).toHaveStyle({ left: "40%", width: "10%" });
  expect(screen.getByRole("list", { name: texts.result.textBoxes })).toHaveTextContent("“HARBOUR”, 88% sure");
});

test("copies the link of an output and says until when it works", async () => {
  const user = userEvent.setup();
  const result = resultOf();
  open(() => result);

  await user.click(await screen.findByRole("button", { name: /^Copy link to Cut-out, PNG/ }));

  expect(await screen.findByText(/The link works until/)).toBeVisible();
  const cutout = result.outputs.find(({ kind }) => kind === "cutout");
  expect(await navigator.clipboard.readText()).toBe(cutout?.url);
  expect(screen.getByRole("link", { name: /^Download Cut-out, PNG/ })).toHaveAttribute("href", cutout?.url);
});

test("saves a background that was tried as a new output, or says why not", async () => {
  const user = userEvent.setup();
  const asked: CompositeRequest[] = [];
  open(() => resultOf());
  server.use(
    http.post<never, CompositeRequest>(`${RESULT}/composites`, async ({ request }) => {
      const body = await request.json();
      asked.push(body);
      return asked.length === 1
        ? HttpResponse.json(output("composite", "composite_1.jpg", { background: body.background }), { status: 201 })
        : problem(409, "The picture has 20 composites, which is the most.");
    }),
  );

  await user.click(await screen.findByRole("radio", { name: texts.result.background }));
  await user.click(screen.getByRole("radio", { name: "steelblue, from this picture" }));
  await user.click(screen.getByRole("switch", { name: texts.result.studio.shadow }));
  await user.click(screen.getByRole("button", { name: texts.result.studio.save }));

  expect(await screen.findByText(texts.result.studio.saved)).toBeVisible();
  expect(asked).toEqual([
    { background: "#336699", shadow: { opacity: 50, blur: 4, offset_x: 0, offset_y: 4 }, crop: null },
  ]);
  expect(screen.getByText("Composite on #336699")).toBeVisible();

  await user.click(screen.getByRole("radio", { name: texts.result.studio.blur }));
  await user.click(screen.getByRole("button", { name: texts.result.studio.save }));
  expect(await screen.findByText("The picture has 20 composites, which is the most.")).toBeVisible();
});

test("starts a failed picture again and shows its steps", async () => {
  const user = userEvent.setup();
  let result = resultOf({ status: "FAILED", status_reason: "The inference endpoint did not answer in time." });
  open(() => result);
  server.use(
    http.post(`${RESULT}/resume`, () => {
      result = resultOf({
        status: "PROCESSING",
        execution_arn: "arn:second",
        updated_at: new Date().toISOString(),
        steps: { validate_image: { state: "running", started_at: new Date().toISOString(), attempts: 1 } },
      });
      return HttpResponse.json({ execution_arn: "arn:second" }, { status: 202 });
    }),
  );

  expect(await screen.findByText("The inference endpoint did not answer in time.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: texts.status.startAgain }));

  expect(await screen.findByRole("status")).toHaveTextContent(texts.status.statuses.PROCESSING.name);
  expect(await screen.findByText(/Check the file/)).toHaveTextContent("running");
  expect(screen.queryByRole("button", { name: texts.status.startAgain })).not.toBeInTheDocument();
});

test("says why a file was not taken, and which part of an analysis is missing", async () => {
  const user = userEvent.setup();
  let result = resultOf({ status: "REJECTED", status_reason: "It is no picture.", links: {} });
  const router = open(() => result);
  expect(await screen.findByText("It is no picture.")).toBeVisible();
  expect(screen.getByRole("link", { name: texts.result.uploadAnother })).toHaveAttribute("href", "/upload");

  result = resultOf({ status: "PARTIAL", analysis_parts: { labels: "FAILED", faces: "TOO_SMALL" }, moderation: null });
  await router.navigate({ to: "/results/$imageId", params: { imageId: "another" } });

  expect(await screen.findByText("Did not answer: labels.")).toBeVisible();
  expect(screen.getByText("The picture is too small for: faces.")).toBeVisible();
  expect(screen.getByText(texts.result.notModerated)).toBeVisible();

  await user.click(screen.getByRole("button", { name: texts.result.delete }));
  expect(router.state.location.pathname).toBe("/");
  expect(await screen.findByRole("button", { name: texts.common.undo })).toBeVisible();
});

test("tells a picture that is not there from an answer that did not come, which is asked for again", async () => {
  const user = userEvent.setup();
  let answer: Result | ReturnType<typeof problem> = problem(403, "You may not read this.");
  const router = open(() => answer);
  expect(await screen.findByRole("alert")).toHaveTextContent("You may not read this.");

  answer = resultOf();
  await user.click(screen.getByRole("button", { name: texts.common.tryAgain }));
  expect(await screen.findByRole("heading", { level: 1, name: "boat.jpg" })).toBeVisible();

  answer = problem(404, "There is no result another.");
  await router.navigate({ to: "/results/$imageId", params: { imageId: "another" } });
  expect(await screen.findByText(texts.result.missing)).toBeVisible();
});

test("a picture that was deleted here is not shown any more, unless that is taken back", async () => {
  const user = userEvent.setup();
  const router = open(() => resultOf());
  await user.click(await screen.findByRole("button", { name: texts.result.delete }));
  await router.navigate({ to: "/results/$imageId", params: { imageId: resultOf().image_id } });
  expect(await screen.findByText(texts.result.missing)).toBeVisible();

  await user.click(screen.getByRole("button", { name: texts.common.undo }));
  expect(await screen.findByRole("heading", { level: 1, name: "boat.jpg" })).toBeVisible();
});

test("a browser that thinks itself offline asks all the same, for the API may be on its machine", async () => {
  fireEvent(window, new Event("offline"));
  open(() => resultOf());
  expect(await screen.findByRole("heading", { level: 1, name: "boat.jpg" })).toBeVisible();
  fireEvent(window, new Event("online"));
});
