// Follows what happens. Whoever was away goes on after the last event heard; a daemon that was started anew is
// looked at from the beginning.

import { get, Problem } from "./api.js";
import { changed, store, takeEvent, takeJob, takeNews, takeState } from "./store.js";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 4000;
// The daemon sends a comment every 10 s, of which a page hears nothing: so it asks when all is quiet.
const QUIET_MS = 15000;

let source = null;
let lastId = null;
let heardAt = 0;
let retryMs = FIRST_RETRY_MS;
let timer = null;
let onNew = () => {};

/** Begin to follow, and call `whenNew` whenever everything has to be looked at anew. */
export function followEvents(whenNew) {
  onNew = whenNew;
  // Browsers open six connections to a computer, and no more: pages that nobody sees give theirs back.
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : connect()));
  window.addEventListener("online", connect);
  window.addEventListener("offline", () => lose());
  setInterval(askWhenQuiet, QUIET_MS / 3);
  connect();
}

/** Stop following until the page is signed in or seen again. */
export function pause() {
  source?.close();
  source = null;
  clearTimeout(timer);
}

/** Connect, now. */
export async function connect() {
  clearTimeout(timer);
  if (document.hidden || (source && source.readyState !== EventSource.CLOSED)) return;
  source = null;
  try {
    const state = await get("/state", { timeoutS: 5 });
    const isNew = store.state === null || store.state.rig.boot !== state.rig.boot;
    takeState(state);
    listen(isNew ? null : lastId, state);
    store.connection = "here";
    retryMs = FIRST_RETRY_MS;
    changed();
    if (isNew) onNew();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return;
    lose();
  }
}

function listen(after, state) {
  const known = number(state.event_id);
  const job = state.job ?? state.last_job;
  // All that the job has told is told again, so that a page that comes late shows the same as the others.
  const from = after ?? job?.first_event ?? state.event_id;
  const opened = new EventSource(`/api/v1/events?after=${encodeURIComponent(from)}`);
  // Two reasons to connect may come at once, such as a page that is seen again in a network that is back.
  source?.close();
  source = opened;
  heardAt = Date.now();
  const on = (name, take) =>
    opened.addEventListener(name, (event) => {
      if (opened !== source) return;
      heardAt = Date.now();
      if (event.lastEventId) lastId = event.lastEventId;
      take(JSON.parse(event.data), number(event.lastEventId));
    });
  on("job", (view, id) => id > known && takeJob(view));
  on("event", ({ job: id, event }) => takeEvent(id, event));
  on("state", (_, id) => id > known && takeNews());
  on("live", (shot) => {
    store.live = shot;
    changed();
  });
  on("reset", () => {
    pause();
    lastId = null;
    get("/state").then((now) => {
      takeState(now);
      listen(now.event_id, now);
      onNew();
    }, lose);
  });
  opened.addEventListener("open", () => (heardAt = Date.now()));
  opened.addEventListener("error", () => opened === source && lose());
}

function lose() {
  pause();
  store.connection = "lost";
  store.live = null;
  changed();
  timer = setTimeout(connect, retryMs);
  retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
}

async function askWhenQuiet() {
  if (!source || Date.now() - heardAt < QUIET_MS) return;
  try {
    await get("/health", { timeoutS: 5 });
    heardAt = Date.now();
  } catch (error) {
    if (error instanceof Problem && error.status === 0) lose();
  }
}

const number = (id) => Number(id.slice(id.lastIndexOf("-") + 1));
