// What nobody must overlook: a simulated rig, a board that is gone, a daemon that does not answer.

import { post, remove } from "./api.js";
import { h, icon, replaced } from "./dom.js";
import { connect } from "./events.js";
import { running, store, watch } from "./store.js";
import { act, sentence } from "./toast.js";

// While a job gets ready, the position is not known yet, and that is nothing to be told.
const UNKNOWN_FOR_MS = 4000;
let unknownSince = null;

/** Keep the banners at the top as they have to be. */
export function showBanners(root) {
  const update = () => {
    const banners = all();
    replaced(
      root,
      banners.map(({ kind, title, text, key }) => [kind, title, text, key]),
      () => banners.map(element),
    );
  };
  watch(update);
  setInterval(update, 1000);
}

function all() {
  const { connection, state } = store;
  const banners = [];
  if (connection === "lost") {
    banners.push({
      kind: "bad",
      title: "The rig's computer does not answer.",
      text: "What runs there goes on. This page tries again by itself.",
      buttons: [["Try now", () => connect()]],
    });
  }
  if (!state) return banners;
  if (connection === "here") banners.push(...ofBoard(state.board), ...ofPosition(state));
  if (state.interrupted && connection === "here") banners.push(ofInterrupted(state.interrupted));
  if (state.rig.source === "simulated") {
    banners.push({ kind: "pretend", title: "Simulated rig.", text: "Nothing real moves." });
  }
  return banners;
}

function ofBoard({ status, reason, hint }) {
  if (status === "halted") {
    return [
      {
        kind: "bad",
        title: "Emergency stop: the board is off.",
        text: "Its motors are released. See that nothing is jammed and nobody has a hand in the rig, then reset it.",
        buttons: [["Reset the board", () => post("/machine/reconnect")]],
      },
    ];
  }
  if (status === "offline") {
    return [
      {
        kind: "bad",
        title: "The board is offline.",
        text: [sentence(reason), sentence(hint)].filter(Boolean).join(". "),
        buttons: [["Look for it again", () => post("/machine/reconnect")]],
      },
    ];
  }
  return status === "connecting"
    ? [{ kind: "calm", title: "Looking for the board.", text: "That takes a few seconds." }]
    : [];
}

function ofPosition({ position }) {
  const job = running();
  const matters = job && job.done !== null && !position.is_known;
  unknownSince = matters ? (unknownSince ?? Date.now()) : null;
  if (!matters || Date.now() - unknownSince < UNKNOWN_FOR_MS) return [];
  return [
    {
      kind: "warn",
      title: "Where the table stands is not known.",
      text: "The rig finds it again before it goes on; pictures taken meanwhile do not count.",
    },
  ];
}

function ofInterrupted({ what, started_at: startedAt }) {
  return {
    kind: "warn",
    title: `${sentence(what)}.`,
    text: `It was begun ${new Date(startedAt).toLocaleString()}, and the rig's computer went off meanwhile.`,
    buttons: [
      ["Go on with it", () => post("/interrupted/resume")],
      ["Forget it", () => remove("/interrupted")],
    ],
  };
}

function element({ kind, title, text, buttons = [] }) {
  return h(
    "div",
    { class: `banner banner-${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(kind === "pretend" || kind === "calm" ? "info" : "warning"),
    h("p", {}, h("strong", {}, title), " ", text),
    buttons.map(([label, call]) =>
      h("button", { type: "button", onclick: (event) => act(event.currentTarget, call) }, label),
    ),
  );
}
