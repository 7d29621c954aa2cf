// The live picture, in which the daemon outlines the part, and beside it what the part is taken for.

import { h, replaced, say } from "./dom.js";
import { percent } from "./format.js";
import { store, watch } from "./store.js";

const STALE_MS = 4000;

/** A card that shows the live picture until `signal` is aborted: while it is shown, the daemon encodes. */
export function livePanel(signal) {
  const image = h("img", {
    class: "live-picture",
    alt: "Live picture of the turntable, with the part outlined",
    width: 640,
    height: 480,
  });
  const empty = h("p", { class: "live-empty" }, "No picture");
  const candidates = h("ol", { class: "candidates", "aria-label": "What it is taken for" });
  const verdict = h("p", { class: "verdict" });
  const panel = h(
    "section",
    { class: "card live", "aria-label": "Live picture" },
    h("div", { class: "live-frame" }, empty, image),
    h("div", { class: "live-words" }, verdict, candidates),
  );

  let boot = null;
  const look = () => {
    // A stream that was broken off does not say so: it is begun anew with each daemon, and each time we are back.
    image.src = `/api/v1/live.mjpg?boot=${encodeURIComponent(boot)}&at=${Date.now()}`;
  };
  const leave = () => image.removeAttribute("src");
  const update = () => {
    const { connection, state, live } = store;
    const isHere = connection === "here" && state?.board.status === "ready" && !document.hidden;
    if (!isHere) boot = null;
    if (isHere && boot !== state.rig.boot) {
      boot = state.rig.boot;
      look();
    }
    if (!isHere && image.hasAttribute("src")) leave();
    const isFresh = isHere && live && Date.now() / 1000 - live.exposed_at < STALE_MS / 1000 + clockSkew(live);
    panel.classList.toggle("is-dark", !isHere);
    say(empty, isHere ? "Waiting for the camera" : "No picture while the board is away");
    show(verdict, candidates, isFresh ? live : null, state);
  };
  watch(update, signal);
  const timer = setInterval(update, 1000);
  document.addEventListener("visibilitychange", update, { signal });
  signal.addEventListener("abort", () => {
    clearInterval(timer);
    leave();
  });
  return panel;
}

let skewS = null;

/** How far the rig's clock is behind ours: small computers without a battery are often wrong. */
function clockSkew(live) {
  const now = Date.now() / 1000 - live.exposed_at;
  skewS = skewS === null ? now : Math.min(skewS, now);
  return skewS;
}

function show(verdict, list, live, state) {
  const found = live?.candidates ?? [];
  const best = found[0];
  let words = "Waiting for a picture";
  if (live)
    words = best
      ? best.probability >= 0.8
        ? `Looks like ${best.label}`
        : `Perhaps ${best.label}`
      : live.box
        ? "A part"
        : "The table is empty";
  say(verdict, words);
  verdict.classList.toggle("faint", !best);
  if (!found.length) {
    replaced(list, ["none", Boolean(state?.model)], () =>
      state?.model ? [] : [h("li", { class: "faint" }, "No model yet: capture some parts, then train one.")],
    );
    return;
  }
  // Rows stay, and only their numbers move, ten times a second.
  replaced(list, found.length, () =>
    found.map(() =>
      h(
        "li",
        {},
        h("span", { class: "candidate-name" }),
        h("meter", { min: 0, max: 1, "aria-hidden": "true" }),
        h("span", { class: "candidate-share" }),
      ),
    ),
  );
  found.forEach(({ label, probability }, place) => {
    const [name, meter, share] = list.children[place].children;
    say(name, label);
    meter.value = probability;
    say(share, percent(probability));
  });
}
