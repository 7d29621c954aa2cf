// What nobody must overlook: a simulated rig, a board that is gone, a daemon that does not answer.

import { post, remove } from "./api.js";
import { h, icon, replaced } from "./dom.js";
import { connect } from "./events.js";
import { running, store, watch } from "./store.js";
import { act, sentence } from "./toast.js";

// Every job begins by finding it, and where that takes no longer it is nothing to be told.
const SOUGHT_FOR_MS = 3000;
let soughtSince = null;

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
        text: `${[reason, hint].filter(Boolean).map(sentence).join(". ")}.`,
        // A job that waits for it looks for it already.
        buttons: running() ? [] : [["Look for it again", () => post("/machine/reconnect")]],
      },
    ];
  }
  return status === "connecting"
    ? [{ kind: "calm", title: "Looking for the board.", text: "That takes a few seconds." }]
    : [];
}

function ofPosition({ position, board }) {
  const job = running();
  const isUnknown = board.status === "ready" && !position.is_known;
  soughtSince = job && isUnknown ? (soughtSince ?? Date.now()) : null;
  if (!isUnknown) return [];
  if (!job) {
    return [
      {
        kind: "calm",
        title: "Position unknown.",
        text: "The motors are off; the next job finds it.",
      },
    ];
  }
  if (Date.now() - soughtSince < SOUGHT_FOR_MS) return [];
  return [
    { kind: "warn", title: "Position unknown.", text: "The rig finds where the table stands before it goes on." },
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
