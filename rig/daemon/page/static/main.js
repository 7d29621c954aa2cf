// Puts the page together: who is signed in, what is followed, and which view is shown.

import { get, onSignedOut } from "./api.js";
import { showBanners } from "./banner.js";
import { h, icon, replaced, say } from "./dom.js";
import { connect, followEvents, pause } from "./events.js";
import { showJobBar } from "./jobbar.js";
import { askQuestions } from "./question.js";
import { showSignIn } from "./signin.js";
import { showStopBar } from "./stopbar.js";
import { running, store, watch } from "./store.js";
import { spell } from "./spoken.js";

// Each view is fetched when it is first wanted: a phone beside the rig begins with little.
const VIEWS = [
  { id: "capture", title: "Capture", load: () => import("./capture.js") },
  { id: "sort", title: "Sort", load: () => import("./sorting.js") },
  { id: "review", title: "Review", load: () => import("./review.js") },
  { id: "pictures", title: "Pictures", load: () => import("./dataset.js") },
  { id: "models", title: "Models", load: () => import("./models.js") },
  { id: "inventory", title: "Inventory", load: () => import("./inventory.js") },
  { id: "care", title: "Calibrate", load: () => import("./calibrate.js") },
  { id: "settings", title: "Settings", load: () => import("./settings.js") },
  { id: "log", title: "Log", load: () => import("./logs.js") },
];

const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
let leaving = new AbortController();
let isIncomplete = false;

async function start() {
  onSignedOut(() => signIn());
  for (const { id, title } of VIEWS)
    tabs.append(h("a", { href: `#/${id}`, "data-view": id }, icon(id), h("span", {}, title)));
  // The tab that is open already shows its view anew.
  tabs.addEventListener("click", ({ target }) => target.closest("a")?.hash === location.hash && show(true));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address says which view is shown
    main.focus();
  });
  window.addEventListener("hashchange", () => show(true));
  store.session = await get("/session").catch(() => ({ needs_token: false, signed_in: true }));
  if (store.session.signed_in) enter();
  else signIn();
}

/** Let somebody in who is signed in, or need not be. */
function enter() {
  for (const id of ["tabs", "status"]) document.getElementById(id).hidden = false;
  showStopBar(document.getElementById("stopbar"));
  showBanners(document.getElementById("banners"));
  showJobBar(document.getElementById("jobbar"));
  askQuestions();
  spell();
  watch(showStatus);
  followEvents(() => show(false));
}

function signIn() {
  pause();
  leaving.abort();
  document.body.classList.add("signed-out");
  showSignIn(main, async () => {
    document.body.classList.remove("signed-out");
    store.session = await get("/session");
    if (tabs.hidden) enter();
    else connect().then(() => show(false));
  });
}

/** Show what the address names. */
async function show(isMove) {
  if (!store.state) return;
  const [id, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(plain);
  const view = VIEWS.find((each) => each.id === id) ?? VIEWS.find((each) => each.id === whereItHappens());
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  for (const tab of tabs.children) {
    if (tab.dataset.view === view.id) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = `${view.title} - Brick rig`;
  const module = await view.load().catch(() => null);
  if (signal.aborted) return;
  if (!module) {
    // Browsers remember of a module that it could not be fetched, until its page is loaded anew.
    if (isIncomplete && store.connection === "here") location.reload();
    isIncomplete = true;
    main.replaceChildren(notFetched(view));
    return;
  }
  const root = h("div", { class: `view view-${view.id}` });
  main.replaceChildren(root);
  module.show(root, { signal, rest });
  // By hand: after `scrollIntoView` the tab key would go on from there, and not from the top of the page.
  const tab = tabs.querySelector("[aria-current]");
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
  if (isMove) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

/** A part of the address as it is meant; as it stands where nobody can tell. */
function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** In place of a view that is wanted for the first time while the rig's computer does not answer. */
function notFetched({ title }) {
  return h(
    "section",
    { class: "card quiet" },
    icon("warning"),
    h("h1", {}, title),
    h("p", {}, "This could not be fetched from the rig's computer."),
    h("button", { type: "button", class: "primary", onclick: () => show(true) }, "Try again"),
  );
}

/** The view that somebody wants who asks for none. */
function whereItHappens() {
  const kind = running()?.kind ?? "";
  if (kind === "sort") return "sort";
  return kind.startsWith("calibrate") ? "care" : "capture";
}

function showStatus() {
  const status = document.getElementById("status");
  const { state, connection } = store;
  if (!state) return;
  const board = connection === "here" ? state.board.status : "lost";
  const job = connection === "here" && state.job;
  const words = {
    lost: "No connection",
    ready: "Ready",
    connecting: "Looking for the board",
    offline: "Board offline",
    halted: "Emergency stop",
  };
  const text = job ? ({ paused: "Paused", waiting: "Needs you" }[job.state] ?? "At work") : words[board];
  replaced(status, [text, board, job?.state, state.rig.name], () => [
    h("span", { class: `lamp lamp-${job ? job.state : board}` }),
    h("span", {}, text),
  ]);
  status.title = state.rig.name;
  say(
    document.querySelector(".brand span"),
    state.rig.source === "simulated" ? "Brick rig" : state.rig.name || "Brick rig",
  );
}

start();
