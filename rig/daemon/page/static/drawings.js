// What calibration drew last, kind by kind: how it found what it found.

import { drawing, get } from "./api.js";
import { h, replaced } from "./dom.js";
import { moment } from "./format.js";

/** Places for drawings, by the kind of job; `look` sees which there are now. */
export function drawingsOf(kinds, signal) {
  const places = new Map(kinds.map(([kind, title]) => [kind, { title, element: h("div", {}) }]));
  const look = async () => {
    for (const drawn of await get("/calibration", { signal })) {
      const { title, element } = places.get(drawn.kind);
      replaced(element, drawn, () => figure(title, drawn));
    }
  };
  return { look, placeOf: (kind) => places.get(kind).element };
}

function figure(title, drawn) {
  return h(
    "figure",
    { class: "drawing" },
    h(
      "a",
      { href: drawing(drawn), target: "_blank", rel: "noopener", "aria-label": `${title}: the whole drawing` },
      h("img", { src: drawing(drawn), alt: "" }),
    ),
    h("figcaption", { class: "faint" }, `Measured ${moment(drawn.drawn_at)}`),
  );
}
