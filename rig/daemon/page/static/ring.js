// The progress ring: each picture that was taken is a mark at its angle; each pose has a ring of its own.

import { h, s } from "./dom.js";

const SIDE = 240;
const OUTER = 108;
const THICK = 18;
const GAP = 5;
const MOST_RINGS = 4;

/** A ring that `update` draws; it says in words what it shows. */
export function progressRing() {
  const drawing = s("g", {});
  const number = s("text", { x: SIDE / 2, y: SIDE / 2 + 4, class: "ring-number", "text-anchor": "middle" });
  const words = s("text", { x: SIDE / 2, y: SIDE / 2 + 28, class: "ring-words", "text-anchor": "middle" });
  const svg = s(
    "svg",
    { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "ring", role: "img", "aria-label": "Nothing captured yet" },
    drawing,
    number,
    words,
  );
  let drawn = "";
  return {
    element: h("div", { class: "ring-box" }, svg),
    /** Show the marks of a plan: `{steps, poses}`, `[{pose, angleDeg}]`. */
    update(plan, pose, marks, label) {
      const steps = plan?.steps ?? 72;
      const poses = plan?.poses ?? 1;
      const total = steps * poses;
      const shape = `${steps} ${poses} ${pose}`;
      if (shape !== drawn.split("/")[0]) drawing.replaceChildren();
      if (`${shape}/${marks.length}` !== drawn) draw(drawing, steps, poses, pose, marks);
      drawn = `${shape}/${marks.length}`;
      number.textContent = plan ? `${Math.floor((100 * marks.length) / total)} %` : "";
      words.textContent = plan ? `${marks.length} of ${total}` : label;
      svg.setAttribute(
        "aria-label",
        plan
          ? `${marks.length} of ${total} pictures taken${poses > 1 ? `, side ${pose + 1} of ${poses}` : ""}`
          : label,
      );
    },
  };
}

function draw(group, steps, poses, pose, marks) {
  const rings = Math.min(poses, MOST_RINGS);
  // Of many poses the latest are shown.
  const first = Math.max(0, Math.min(pose - rings + 1, poses - rings));
  const thick = Math.min(THICK, (THICK * 2.4) / rings);
  const children = [];
  for (let place = 0; place < rings; place += 1) {
    const radius = OUTER - place * (thick + GAP) - thick / 2;
    const isNow = first + place === pose;
    children.push(
      s("circle", {
        cx: SIDE / 2,
        cy: SIDE / 2,
        r: radius,
        class: `ring-track${isNow ? " is-now" : ""}`,
        "stroke-width": thick,
      }),
    );
    const width = Math.max(0.8, Math.min(14, 0.62 * (360 / steps)));
    const of = marks.filter((mark) => mark.pose === first + place);
    for (const { angleDeg } of of) {
      children.push(
        s("path", {
          d: arc(radius, angleDeg - width / 2, angleDeg + width / 2),
          class: `ring-mark${of.length >= steps ? " is-full" : ""}`,
          "stroke-width": thick,
        }),
      );
    }
  }
  group.replaceChildren(...children);
}

function arc(radius, fromDeg, toDeg) {
  const [x1, y1] = at(radius, fromDeg);
  const [x2, y2] = at(radius, toDeg);
  return `M${x1} ${y1}A${radius} ${radius} 0 0 1 ${x2} ${y2}`;
}

/** Zero degrees is at the top, and the table turns clockwise. */
function at(radius, deg) {
  const angle = ((deg - 90) * Math.PI) / 180;
  return [SIDE / 2 + radius * Math.cos(angle), SIDE / 2 + radius * Math.sin(angle)].map((value) =>
    value.toFixed(2),
  );
}
