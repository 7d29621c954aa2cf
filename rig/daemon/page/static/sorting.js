// Sorting: how many parts, the bins filling up, and the parts that came last, with their pictures.

import { get, post } from "./api.js";
import { binsCard } from "./bins.js";
import { h, icon, replaced, say } from "./dom.js";
import { counted, moment, percent } from "./format.js";
import { hideOrder, lastJobCard } from "./jobbar.js";
import { livePanel } from "./live.js";
import { partTile } from "./parttile.js";
import { isReady, running, store, watch } from "./store.js";
import { act, complain, sentence } from "./toast.js";

const SHOWN = 20;

export function show(root, { signal, rest }) {
  const view = { run: rest[0] ?? null, parts: [], isFixed: Boolean(rest[0]) };
  const order = orderCard(signal);
  const outcome = h("div", {});
  const pulse = pulseCard();
  const bins = binsCard(signal);
  const title = h("h2", { id: "parts-title" }, "Last parts");
  const tiles = h("ul", { class: "tiles" });
  const none = h("p", { class: "faint" }, "No part was sorted yet.");
  const earlier = h("nav", { class: "earlier", "aria-label": "Earlier runs" });
  root.append(
    h("h1", {}, "Sort"),
    h(
      "div",
      { class: "columns" },
      livePanel(signal),
      h(
        "div",
        { class: "side" },
        pulse.element,
        outcome,
        order,
        h("section", { class: "card", "aria-labelledby": "parts-title" }, title, none, tiles, earlier),
      ),
      bins.element,
    ),
  );

  let seen = "";
  const update = () => {
    const { story, state } = store;
    const job = running();
    const isSorting = job?.kind === "sort";
    hideOrder(order, Boolean(job));
    order.querySelector("[type=submit]").disabled = !isReady();
    pulse.element.hidden = !isSorting;
    if (isSorting) pulse.update(job, story, view.parts);
    replaced(outcome, [job?.id, state?.last_job, story.summary], () =>
      lastJobCard(["sort"], story.kind === "sort" && story.summary ? summaryOf(story.summary) : []),
    );
    // What the ledger has is the truth; events only say when to look.
    const now = `${story.id} ${story.kind === "sort" ? story.told : ""} ${store.told}`;
    if (now !== seen) {
      seen = now;
      look();
    }
  };
  let isLooking = false;
  let isStale = false;
  const look = async () => {
    isStale = true;
    if (isLooking) return;
    isLooking = true;
    while (isStale && !signal.aborted) {
      isStale = false;
      await Promise.all([bins.look(), lookAtParts()]).catch(complain);
    }
    isLooking = false;
  };
  const lookAtParts = async () => {
    const { story } = store;
    const { runs } = await get("/runs", { query: { limit: 12 }, signal });
    if (!view.isFixed) view.run = (running()?.kind === "sort" ? story.run : null) ?? runs[0]?.run ?? null;
    const isThere = runs.some(({ run }) => run === view.run) || view.isFixed;
    view.parts =
      isThere && view.run
        ? (
            await get(`/runs/${encodeURIComponent(view.run)}/parts`, {
              query: { order: "newest", limit: SHOWN },
              signal,
            })
          ).parts
        : [];
    none.hidden = view.parts.length > 0;
    say(
      title,
      view.isFixed
        ? `Last parts of the run of ${moment(runs.find(({ run }) => run === view.run)?.began_at) || view.run}`
        : "Last parts",
    );
    showParts(tiles, view.parts);
    replaced(earlier, [runs, view.run], () =>
      runs.length < 2 && !view.isFixed
        ? []
        : [
            h("h3", {}, "Earlier runs"),
            h(
              "div",
              { class: "chips" },
              view.isFixed ? h("a", { class: "chip", href: "#/sort" }, "Latest") : null,
              runs.map((run) =>
                h(
                  "a",
                  {
                    class: "chip",
                    href: `#/sort/${encodeURIComponent(run.run)}`,
                    "aria-current": run.run === view.run ? "true" : null,
                  },
                  `${moment(run.began_at)}, ${counted(run.parts, "part")}`,
                ),
              ),
            ),
          ],
    );
    update();
  };
  watch(update, signal);
}

/** Tiles that are there stay: only new ones come in, at the front. */
function showParts(list, parts) {
  const there = new Map([...list.children].map((tile) => [tile.dataset.key, tile]));
  const boxes = new Map(store.story.sorted.map(({ row, box }) => [row, box]));
  const wanted = parts.map((part) => {
    const key = JSON.stringify([part.id, part.part, part.outcome, part.picture]);
    return there.get(key) ?? partTile(part, key, boxes.get(part.id));
  });
  // Of a copy: what is removed moves the others up, past the loop.
  for (const tile of [...list.children]) if (!wanted.includes(tile)) tile.remove();
  wanted.forEach(
    (tile, place) => list.children[place] !== tile && list.insertBefore(tile, list.children[place] ?? null),
  );
}

function pulseCard() {
  const done = h("strong", { class: "figure" });
  const rate = h("strong", { class: "figure" });
  const sure = h("strong", { class: "figure" });
  const trouble = h("p", { class: "flaw", role: "status" });
  const remarks = h("p", { class: "faint" });
  const element = h(
    "section",
    { class: "card", "aria-label": "Sorting now" },
    h("h2", {}, "Sorting"),
    h(
      "dl",
      { class: "figures" },
      h("div", {}, h("dt", {}, "Parts"), h("dd", {}, done)),
      h("div", {}, h("dt", {}, "A minute"), h("dd", {}, rate)),
      h("div", {}, h("dt", {}, "Named"), h("dd", {}, sure)),
    ),
    trouble,
    remarks,
  );
  return {
    element,
    update(job, story, parts) {
      say(done, job.total ? `${job.done} / ${job.total}` : String(job.done ?? 0));
      say(rate, rateOf(parts));
      const decided = parts.filter((part) => part.outcome !== "seen");
      say(sure, decided.length ? percent(decided.filter((part) => part.part).length / decided.length) : "–");
      say(trouble, story.trouble ? `${sentence(story.trouble.what)}: ${story.trouble.hint}.` : "");
      say(remarks, story.remarks.join(" "));
    },
  };
}

/** Parts a minute, by when the latest of them fell. */
function rateOf(parts) {
  const times = parts.map((part) => Date.parse(part.dropped_at)).filter((time) => !Number.isNaN(time));
  if (times.length < 3) return "–";
  const minutes = (Math.max(...times) - Math.min(...times)) / 60000;
  return minutes > 0 ? ((times.length - 1) / minutes).toFixed(1) : "–";
}

function orderCard(signal) {
  const model = h("select", { id: "model", name: "model" }, h("option", { value: "" }, "the one in use"));
  get("/models", { signal }).then(
    ({ models }) =>
      model.append(
        ...models.filter((each) => !each.problem).map((each) => h("option", { value: each.name }, each.name)),
      ),
    () => {},
  );
  const start = h("button", { type: "submit", class: "primary wide" }, icon("sort"), "Start sorting");
  const count = h("input", {
    type: "number",
    id: "count",
    name: "count",
    value: 20,
    min: 1,
    required: true,
    inputmode: "numeric",
  });
  const form = h(
    "form",
    {
      class: "order",
      onsubmit: (event) => {
        event.preventDefault();
        act(start, () => post("/jobs", { kind: "sort", count: Number(count.value), model: model.value }));
      },
    },
    h(
      "div",
      { class: "pair" },
      h(
        "div",
        { class: "field" },
        h("label", { for: "count" }, "How many parts"),
        count,
        h(
          "div",
          { class: "presets", role: "group", "aria-label": "Usual numbers of parts" },
          [20, 100, 500].map((value) =>
            h(
              "button",
              { type: "button", class: "chip", onclick: () => (count.value = value) },
              String(value),
            ),
          ),
        ),
      ),
      h("div", { class: "field" }, h("label", { for: "model" }, "Model"), model),
    ),
    start,
  );
  return h("section", { class: "card", "aria-label": "New run" }, h("h2", {}, "Sort some parts"), form);
}

function summaryOf(summary) {
  const { parts, rejects, parts_per_min: rate, returned, troubles } = summary;
  const told = [
    counted(parts, "part"),
    rejects ? `${rejects} of them not named` : "all of them named",
    rate ? `${rate.toFixed(1)} a minute` : null,
    returned ? `${returned} to be fed again` : null,
  ].filter(Boolean);
  const met = Object.entries(troubles ?? {}).map(([kind, count]) => `${kind}: ${count}`);
  return [
    h("p", {}, `${told.join(", ")}.`),
    met.length ? h("p", { class: "faint" }, `It met with ${met.join(", ")}.`) : null,
    rejects ? h("a", { class: "button", href: "#/review" }, icon("review"), "Name the others") : null,
  ];
}
