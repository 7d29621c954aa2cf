// Measuring the rig: the table's turn, how long it swings, and the camera's settings.

import { post } from "./api.js";
import { h, replaced, say } from "./dom.js";
import { lastJobCard } from "./jobbar.js";
import { livePanel } from "./live.js";
import { isReady, running, store, watch } from "./store.js";
import { act } from "./toast.js";

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
];

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
  const cards = [...JOBS.map(([kind, title, text]) => card(title, text, () => ({ kind }))), cameraCard()];
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
    replaced(found, measured, () => measured.map((text) => h("li", {}, text)));
    found.hidden = !measured.length || !kind?.startsWith("calibrate");
    replaced(outcome, [job?.id, store.state?.last_job], () =>
      lastJobCard(["calibrate_table", "calibrate_settle", "calibrate_camera"]),
    );
  }, signal);
}

function card(title, text, request, ...fields) {
  const start = h("button", { type: "submit" }, "Measure");
  return h(
    "form",
    {
      class: "card",
      "aria-label": title,
      onsubmit: (event) => {
        event.preventDefault();
        act(start, () => post("/jobs", request(new FormData(event.currentTarget))));
      },
    },
    h("h2", {}, title),
    h("p", { class: "faint" }, text),
    fields,
    start,
  );
}

function cameraCard() {
  const sheet = h(
    "select",
    { id: "reference", name: "reference" },
    h("option", { value: "white" }, "a white sheet"),
    h("option", { value: "grey" }, "a grey card"),
  );
  const mains = h(
    "select",
    { id: "mains", name: "mains" },
    h("option", { value: "50" }, "mains of 50 Hz"),
    h("option", { value: "60" }, "mains of 60 Hz"),
    h("option", { value: "" }, "direct current"),
  );
  const write = h(
    "label",
    { class: "check" },
    h("input", { type: "checkbox", name: "write", checked: true }),
    h("span", {}, "Write what is found into rig.toml"),
  );
  return card(
    "Exposure, white balance and focus",
    "Lay the sheet, then a part, when you are asked.",
    (said) => ({
      kind: "calibrate_camera",
      reference: said.get("reference"),
      mains_hz: said.get("mains") ? Number(said.get("mains")) : null,
      write: said.has("write"),
    }),
    h(
      "div",
      { class: "pair" },
      h("div", { class: "field" }, h("label", { for: "reference" }, "On the table"), sheet),
      h("div", { class: "field" }, h("label", { for: "mains" }, "The lamp runs on"), mains),
    ),
    write,
  );
}
