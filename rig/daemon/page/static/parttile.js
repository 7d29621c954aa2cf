// A part that was sorted: its picture, what it was taken for, and where it went.

import { ledgerPicture } from "./api.js";
import { cropped } from "./crop.js";
import { h, icon } from "./dom.js";
import { DOUBTS, percent } from "./format.js";
import { swatch } from "./swatch.js";

const OUTCOMES = { stayed: "stayed on the table", lost: "went astray", unfinished: "cut short" };

/** A tile, as an item of a list; `box` says where the part is in its picture, if that is known. */
export function partTile(part, key, box) {
  const name = part.part ?? (part.doubt ? (DOUBTS[part.doubt] ?? part.doubt) : "being looked at");
  const where = OUTCOMES[part.outcome] ?? `to ${part.bin}`;
  return h(
    "li",
    { class: `tile${part.part ? "" : " tile-doubt"}`, "data-key": key },
    part.picture
      ? cropped(ledgerPicture(part.picture), `Part ${part.number}`, box)
      : h("span", { class: "tile-empty" }),
    h("strong", { class: "tile-name" }, part.part ? null : icon("warning"), name),
    h("span", { class: "tile-more" }, h("span", {}, where), h("span", {}, percent(part.probability))),
    part.part && part.colour !== null
      ? h(
          "span",
          { class: "tile-more" },
          h("span", { class: "tile-colour" }, swatch(part.colour), part.colour_name),
        )
      : null,
  );
}
