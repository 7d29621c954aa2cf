// The bins, as they fill up.

import { get, post } from "./api.js";
import { h, icon, replaced, s } from "./dom.js";
import { act, note } from "./toast.js";

const NEARLY_FULL = 0.8;

/** A card; `look` asks how full they are now. */
export function binsCard(signal) {
  const list = h("ul", { class: "bins" });
  const element = h("section", { class: "card bins-card", "aria-label": "Bins" }, h("h2", {}, "Bins"), list);
  const look = async () => {
    const bins = await get("/bins", { signal });
    const focused = document.activeElement?.dataset?.bin;
    if (replaced(list, bins, () => bins.map((bin) => item(bin, look))) && focused)
      list.querySelector(`[data-bin="${CSS.escape(focused)}"]`)?.focus();
  };
  return { element, look };
}

function item(bin, look) {
  const { name, level, capacity, takes } = bin;
  const share = capacity ? Math.min(1, level / capacity) : Math.min(1, level / Math.max(20, level));
  const state = capacity && level >= capacity ? "full" : capacity && share >= NEARLY_FULL ? "nearly" : "room";
  const words = capacity ? `${level} of ${capacity}` : `${level}`;
  return h(
    "li",
    { class: `bin bin-${state}` },
    drawing(share),
    h(
      "div",
      { class: "bin-words" },
      h("strong", {}, name),
      h("span", { class: "bin-count" }, words, state === "full" ? " · full" : ""),
      h("small", {}, takes || "nothing of its own"),
    ),
    level
      ? h(
          "button",
          {
            type: "button",
            class: "small",
            "data-bin": name,
            "aria-label": `${name} is emptied`,
            onclick: (event) =>
              act(event.currentTarget, async () => {
                await post(`/bins/${encodeURIComponent(name)}/emptied`);
                note(`Bin ${name} is empty`);
                await look();
              }),
          },
          icon("check"),
          "Emptied",
        )
      : null,
  );
}

/** A box, as high as it is full. */
function drawing(share) {
  const height = 40 * share;
  return s(
    "svg",
    { viewBox: "0 0 48 52", class: "bin-box", "aria-hidden": "true" },
    s("path", { d: "M4 4h40l-4 44H8z", class: "bin-back" }),
    s("path", { d: fill(height), class: "bin-fill" }),
    s("path", { d: "M4 4h40l-4 44H8z", class: "bin-edge" }),
  );
}

function fill(height) {
  const lean = (4 / 44) * height;
  return `M8 48h32l${lean.toFixed(2)} ${(-height).toFixed(2)}H${(8 - lean).toFixed(2)}z`;
}
