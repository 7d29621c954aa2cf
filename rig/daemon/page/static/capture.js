// Taking pictures of a part: what is to be captured, how far it is, and what was taken last.

import { capturePicture, get, post } from "./api.js";
import { COLOURS } from "./colours.js";
import { h, icon, replaced, say } from "./dom.js";
import { forget, sayFlaws } from "./flaws.js";
import { counted } from "./format.js";
import { hideOrder, lastJobCard } from "./jobbar.js";
import { livePanel } from "./live.js";
import { partField } from "./partfield.js";
import { progressRing } from "./ring.js";
import { isReady, running, store, watch } from "./store.js";
import { act, note } from "./toast.js";

const KINDS = ["capture", "batch", "resume"];

export function show(root, { signal }) {
  const side = h("div", { class: "side" });
  root.append(h("h1", {}, "Capture"), h("div", { class: "columns" }, livePanel(signal), side));
  const ring = progressRing();
  const progress = progressCard(ring);
  const unfinished = h("div", {});
  const order = orderCard(unfinished, signal);
  const outcome = h("div", {});
  const busy = h(
    "section",
    { class: "card", "aria-label": "In use" },
    h("h2", {}, "The rig is at work"),
    h("p", {}, "A capture can begin once that is over."),
  );
  side.append(progress.element, busy, outcome, order);
  watch(() => {
    const job = running();
    const isOurs = job && KINDS.includes(job.kind);
    progress.element.hidden = !isOurs;
    busy.hidden = !job || isOurs;
    hideOrder(order, Boolean(job));
    for (const button of order.querySelectorAll("[type=submit]")) button.disabled = !isReady();
    if (isOurs) progress.update(job, store.story);
    if (replaced(outcome, [job?.id, store.state?.last_job], () => lastJobCard(KINDS)))
      offerToResume(unfinished, signal);
  }, signal);
}

function progressCard(ring) {
  const title = h("h2", {});
  const words = h("p", { class: "faint" });
  const flaw = h("p", { class: "flaw", role: "status" });
  const picture = h("img", {
    class: "latest",
    alt: "The latest picture",
    width: 320,
    height: 240,
    hidden: true,
  });
  const element = h(
    "section",
    { class: "card progress", "aria-label": "Progress" },
    title,
    h("div", { class: "progress-row" }, ring.element, h("div", { class: "latest-box" }, picture)),
    words,
    flaw,
  );
  return {
    element,
    update(job, { plan, pose, marks, latest, rejected, batch }) {
      say(title, plan ? `Capturing ${plan.part}` : job.what);
      ring.update(plan, pose, marks, "Getting ready");
      const list = batch
        ? `Part ${Math.min(batch.done + 1, batch.total)} of ${batch.total} in the list. `
        : "";
      const side = plan && plan.poses > 1 ? `Side ${pose + 1} of ${plan.poses}. ` : "";
      say(words, list + side + (job.state === "paused" ? "Paused: the motors hold, the lamp stays on." : ""));
      say(
        flaw,
        rejected ? `At ${Math.round(rejected.angleDeg)} degrees ${rejected.flaw}; it is taken again.` : "",
      );
      picture.hidden = !latest;
      if (latest) {
        const src = capturePicture(latest, 320);
        if (picture.getAttribute("src") !== src) picture.src = src;
      }
    },
  };
}

function orderCard(unfinished, signal) {
  const part = partField({ label: "Part number", signal });
  const steps = number("steps", "Pictures a turn", 72, 1, 3200);
  const poses = number("poses", "Sides to lay it on", 1, 1, 20);
  const colour = h(
    "select",
    { id: "colour", name: "colour" },
    h("option", { value: "" }, "not said"),
    COLOURS.map(([code, name]) => h("option", { value: code }, name)),
  );
  const presets = h(
    "div",
    { class: "presets", role: "group", "aria-label": "Usual numbers of pictures" },
    [24, 36, 72, 144].map((value) =>
      h(
        "button",
        { type: "button", class: "chip", onclick: () => (steps.querySelector("input").value = value) },
        String(value),
      ),
    ),
  );
  const start = h("button", { type: "submit", class: "primary wide" }, icon("capture"), "Start capture");
  const form = h(
    "form",
    {
      class: "order",
      onsubmit: (event) => {
        event.preventDefault();
        act(start, async () => {
          forget(form);
          try {
            await post("/jobs", request(new FormData(form)));
          } catch (error) {
            if (!sayFlaws(form, error, "body.capture")) throw error;
          }
        });
      },
    },
    part.element,
    h("div", { class: "pair" }, h("div", {}, steps, presets), poses),
    h("div", { class: "field" }, h("label", { for: "colour" }, "Colour"), colour),
    h(
      "details",
      { class: "more" },
      h("summary", {}, "More"),
      text("pose_names", "Names of the sides", "such as: studs up, on its side", "With commas between them."),
      text(
        "physical_part",
        "Which brick",
        "such as red-1",
        "So that pictures of one brick are never split between training and test.",
      ),
      check("sweep", "Turn without stopping", "Much faster; needs a Pi camera."),
      check(
        "is_round",
        "It looks the same from all sides",
        "Such as a round brick: nobody can see then whether it turns.",
      ),
    ),
    start,
  );
  const listed = h("details", { class: "more" }, h("summary", {}, "Capture a list of parts"), listForm());
  return h(
    "section",
    { class: "card", "aria-label": "New capture" },
    h("h2", {}, "New capture"),
    unfinished,
    form,
    listed,
  );
}

/** What the form says, as the API takes it. */
function request(said) {
  const names = said
    .get("pose_names")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  return {
    kind: "capture",
    part: said.get("part").trim(),
    steps: Number(said.get("steps")),
    poses: Math.max(Number(said.get("poses")), names.length),
    colour: said.get("colour") || null,
    pose_names: names,
    physical_part: said.get("physical_part").trim() || null,
    sweep: said.has("sweep"),
    is_round: said.has("is_round"),
  };
}

function listForm() {
  const file = h("input", {
    type: "file",
    id: "list-file",
    accept: ".csv,.tsv,.txt,text/csv",
    required: true,
  });
  const start = h("button", { type: "submit" }, "Start the list");
  return h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        act(start, async () =>
          post("/jobs", { kind: "batch", source: file.files[0].name, table: await file.files[0].text() }),
        );
      },
    },
    h(
      "p",
      { class: "faint" },
      "A table with a column part, and perhaps colour, pose, steps. The page asks for each part in turn.",
    ),
    h("div", { class: "field" }, h("label", { for: "list-file" }, "The list (CSV)"), file),
    start,
  );
}

async function offerToResume(root, signal) {
  const answer = await get("/sessions", { query: { limit: 20 }, signal }).catch(() => null);
  const open = answer?.sessions.find((session) => session.planned);
  root.replaceChildren();
  if (!open || running()) return;
  root.append(
    h(
      "div",
      { class: "offer" },
      h("p", {}, `${open.part} was left at ${open.pictures} of ${counted(open.planned, "picture")}.`),
      h(
        "button",
        {
          type: "button",
          onclick: (event) =>
            act(event.currentTarget, async () => {
              await post("/jobs", { kind: "resume" });
              root.replaceChildren();
              note(`Going on with ${open.part}`);
            }),
        },
        icon("play"),
        "Go on with it",
      ),
    ),
  );
}

function number(name, label, value, min, max) {
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    h("input", { type: "number", id: name, name, value, min, max, required: true, inputmode: "numeric" }),
  );
}

function text(name, label, placeholder, help) {
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    h("input", {
      type: "text",
      id: name,
      name,
      placeholder,
      maxlength: 200,
      "aria-describedby": `${name}-help`,
    }),
    h("small", { id: `${name}-help` }, help),
  );
}

function check(name, label, help) {
  return h(
    "label",
    { class: "check" },
    h("input", { type: "checkbox", name }),
    h("span", {}, label, h("small", {}, help)),
  );
}
