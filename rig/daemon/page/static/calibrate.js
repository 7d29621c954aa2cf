// Measuring the rig: the table's turn, how long it swings, and the camera's settings.

import { post } from "./api.js";
import { h, replaced, say } from "./dom.js";
import { drawingsOf } from "./drawings.js";
import { lastJobCard } from "./jobbar.js";
import { livePanel } from "./live.js";
import { isReady, running, store, watch } from "./store.js";
import { act, complain } from "./toast.js";

const JOBS = [
  [
    "calibrate_table",
    "How far the table turns",
    "Finds gears and microsteps that are set wrong. Lay any part off the middle when you are asked.",
  ],
  [
    "calibrate_settle",
    "How long the table swings",
    "Finds how long to wait before a picture, so that none is blurred and no time is lost.",
  ],
  [
    "calibrate_camera",
    "Exposure, white balance and focus",
    "Lay the sheet, then a part, when you are asked.",
  ],
];
const KINDS = JOBS.map(([kind]) => kind);

export function show(root, { signal }) {
  const side = h("div", { class: "side" });
  root.append(h("h1", {}, "Calibrate"), h("div", { class: "columns" }, livePanel(signal), side));
  const now = h("p", {});
  const bar = h("progress", { "aria-label": "Done" });
  const busy = h(
    "section",
    { class: "card", "aria-label": "At work" },
    h("h2", {}, "The rig is at work"),
    now,
    bar,
  );
  const found = h("ul", { class: "found" });
  const outcome = h("div", {});
  const drawings = drawingsOf(JOBS, signal);
  const cards = JOBS.map((job) => card(job, drawings.placeOf(job[0])));
  side.append(busy, outcome, h("div", { "aria-live": "polite" }, found), ...cards);
  watch(() => {
    const job = running();
    busy.hidden = !job;
    for (const each of cards) each.querySelector("button").disabled = !isReady();
    if (job) {
      say(now, job.total ? `${job.what}: ${job.done} of about ${job.total}` : job.what);
      if (job.total) Object.assign(bar, { max: job.total, value: job.done });
      else bar.removeAttribute("value");
    }
    const { measured, kind } = store.story;
    const said = KINDS.includes(kind) ? measured : [];
    replaced(found, said, () => said.map((text) => h("li", {}, text)));
    found.hidden = !said.length || !job;
    const last = store.state?.last_job;
    if (replaced(outcome, [job?.id, last, said], () => lastJobCard(KINDS, said.map((text) => h("p", {}, text)))))
      drawings.look().catch(complain);
  }, signal);
}

function card([kind, title, text], drawn) {
  const start = h("button", { type: "submit" }, "Measure");
  return h(
    "form",
    {
      class: "card",
      "aria-label": title,
      onsubmit: (event) => {
        event.preventDefault();
        const said = new FormData(event.currentTarget);
        act(start, () => post("/jobs", kind === "calibrate_camera" ? ofCamera(said) : { kind }));
      },
    },
    h("h2", {}, title),
    h("p", { class: "faint" }, text),
    kind === "calibrate_camera" ? cameraFields() : null,
    start,
    drawn,
  );
}

/** What the camera's form says, as the API takes it. */
function ofCamera(said) {
  return {
    kind: "calibrate_camera",
    reference: said.get("reference"),
    mains_hz: said.get("mains") ? Number(said.get("mains")) : null,
    write: said.has("write"),
  };
}

function cameraFields() {
  return [
    h(
      "div",
      { class: "pair" },
      choice("reference", "On the table", [
        ["white", "a white sheet"],
        ["grey", "a grey card"],
      ]),
      choice("mains", "The lamp runs on", [
        ["50", "mains of 50 Hz"],
        ["60", "mains of 60 Hz"],
        ["", "direct current"],
      ]),
    ),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "write", checked: true }),
      h("span", {}, "Write what is found into rig.toml"),
    ),
  ];
}

function choice(name, label, options) {
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    h(
      "select",
      { id: name, name },
      options.map(([value, text]) => h("option", { value }, text)),
    ),
  );
}
