// What this page knows of the rig, and who wants to hear of it. All of it comes from the daemon, so that two
// pages that are open at once show the same.

import { get } from "./api.js";
import { begun, follow } from "./job_story.js";

const SOON_MS = 16;
const STATE_EVERY_MS = 700;

/**
 * - connection: "connecting", "here" or "lost"
 * - session: what GET /session says; null before it is known
 * - state: what GET /state says; null before
 * - story: what the running job, or else the last one, has told; see job_story.js
 * - told: how many times it was told that something else than a job has changed, such as a bin that was emptied
 * - live: the latest `live` event
 */
export const store = {
  connection: "connecting",
  session: null,
  state: null,
  story: begun(null),
  told: 0,
  live: null,
};

const listeners = new Set();
let isDue = false;

/** Call something now and, a moment after anything has changed, again, until `signal` is aborted. */
export function watch(call, signal) {
  listeners.add(call);
  signal?.addEventListener("abort", () => listeners.delete(call));
  call();
}

/** Tell everybody who watches, soon and once for many changes. */
export function changed() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    for (const call of [...listeners]) if (listeners.has(call)) call();
  }, SOON_MS);
}

/** The job that runs, or null. */
export const running = () => store.state?.job ?? null;

/** Whether a job can be started now. */
export const isReady = () =>
  store.connection === "here" && store.state?.board.status === "ready" && !running();

/** Take over a snapshot of everything. */
export function takeState(state) {
  store.state = state;
  const job = state.job ?? state.last_job;
  if (job?.id !== store.story.id) store.story = begun(job);
  changed();
}

/** A job has changed. */
export function takeJob(job) {
  if (!store.state) return;
  const isOver = ["finished", "cancelled", "stopped", "failed"].includes(job.state);
  store.state = isOver
    ? { ...store.state, job: null, last_job: job }
    : { ...store.state, job, interrupted: null };
  if (job.id !== store.story.id) store.story = begun(job);
  changed();
  refreshSoon();
}

/** A job has told something. */
export function takeEvent(jobId, event) {
  if (jobId !== store.story.id) return;
  follow(store.story, event);
  changed();
}

/** Something else than a job has changed. */
export function takeNews() {
  store.told += 1;
  refreshSoon();
}

let refreshTimer = null;

/** Look at the whole state again, but not too often. */
function refreshSoon() {
  refreshTimer ??= setTimeout(async () => {
    refreshTimer = null;
    try {
      const { position, board, rig, model, interrupted, job, last_job } = await get("/state");
      // Jobs are told of by events, in order; an answer may be older than the latest of them.
      if (!store.state) return;
      store.state = { ...store.state, position, board, rig, model, interrupted };
      if (!job && store.state.job?.id === last_job?.id) store.state = { ...store.state, job: null, last_job };
      changed();
    } catch {
      // Whoever follows the events notices when the daemon is gone.
    }
  }, STATE_EVERY_MS);
}
