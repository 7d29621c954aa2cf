// Says aloud, through screen readers, what the eye sees change; seldom enough to be listened to.

import { say } from "./dom.js";
import { store, watch } from "./store.js";
import { percent } from "./format.js";

const EVERY_MS = 4000;

/** Speak from now on. */
export function spell() {
  const spoken = document.getElementById("spoken");
  let last = "";
  let at = 0;
  let timer = null;
  const update = () => {
    const text = sentence();
    if (text === last) return;
    const wait = at + EVERY_MS - Date.now();
    if (wait > 0) {
      timer ??= setTimeout(() => {
        timer = null;
        update();
      }, wait);
      return;
    }
    last = text;
    at = Date.now();
    say(spoken, text);
  };
  watch(update);
}

function sentence() {
  const { state, story } = store;
  if (!state) return "";
  const { job, last_job: last } = state;
  if (job) {
    if (job.state === "paused") return "The job is paused.";
    if (job.question) return job.question.sentence;
    if (story.kind === "sort" && story.sorted.length) {
      const { part, bin, probability } = story.sorted[0];
      return `${part ?? "Not sure"}, ${percent(probability)}, into bin ${bin}.`;
    }
    // Every quarter is enough.
    const quarter = job.total ? Math.floor((4 * job.done) / job.total) : 0;
    return quarter ? `${25 * quarter} percent done.` : job.what;
  }
  return last ? `The last job is ${last.state}.` : "";
}
