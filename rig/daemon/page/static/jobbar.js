// What runs, on every view: how far it is, and how to pause it and to end it.

import { post } from "./api.js";
import { h, icon, replaced, say } from "./dom.js";
import { duration, KINDS } from "./format.js";
import { running, store, watch } from "./store.js";
import { act, sentence } from "./toast.js";

/** Keep the bar as the running job has it. */
export function showJobBar(root) {
  const parts = {
    what: h("p", { class: "jobbar-what" }),
    bar: h("progress", { "aria-label": "Done" }),
    count: h("p", { class: "jobbar-count" }),
    buttons: h("div", { class: "buttons" }),
  };
  root.append(h("div", { class: "jobbar-words" }, parts.what, parts.count), parts.bar, parts.buttons);
  const update = () => {
    const job = store.connection === "here" ? running() : null;
    const hadFocus = !job && root.contains(document.activeElement);
    root.hidden = !job;
    if (hadFocus) document.getElementById("main").focus({ preventScroll: true });
    if (!job) return;
    root.dataset.state = job.state;
    say(parts.what, headline(job));
    say(parts.count, counts(job));
    if (job.total) Object.assign(parts.bar, { max: job.total, value: job.done ?? 0 });
    else parts.bar.removeAttribute("value");
    const focused = document.activeElement?.dataset?.does;
    if (replaced(parts.buttons, [job.id, job.state, Boolean(job.question)], () => buttons(job)) && focused) {
      (
        parts.buttons.querySelector(`[data-does="${focused}"]`) ?? parts.buttons.querySelector("button")
      )?.focus();
    }
  };
  watch(update);
  setInterval(update, 1000);
}

function headline(job) {
  const kind = KINDS[job.kind] ?? job.kind;
  // Captures say themselves what they are, and so does sorting when it begins.
  const isPlain =
    job.state === "running" &&
    (!["sort", "calibrate_table", "calibrate_settle", "calibrate_camera"].includes(job.kind) ||
      job.what.startsWith(kind));
  return isPlain ? doing(job) : `${kind}: ${doing(job)}`;
}

function doing(job) {
  const states = {
    paused: "paused",
    waiting: job.question?.sentence,
    cancelling: "ending",
    stopping: "stopping",
  };
  return states[job.state] ?? job.what.replace(" -> ", " → ");
}

function counts(job) {
  const seconds = (Date.now() - Date.parse(job.started_at)) / 1000;
  const done = job.total ? `${job.done} of ${job.total}, ` : "";
  return `${done}${duration(seconds)}`;
}

function buttons(job) {
  const path = `/jobs/${job.id}`;
  const button = (name, label, does, kind = "") =>
    h(
      "button",
      {
        type: "button",
        class: kind,
        "data-does": does === "resume" ? "pause" : does,
        onclick: (event) => act(event.currentTarget, () => post(`${path}/${does}`)),
      },
      icon(name),
      label,
    );
  const cancel = button("cross", "Cancel", "cancel");
  if (job.state === "paused") return [button("play", "Resume", "resume", "primary"), cancel];
  if (job.state === "running") return [button("pause", "Pause", "pause"), cancel];
  if (job.state === "waiting") {
    return [
      h(
        "button",
        {
          type: "button",
          class: "primary",
          "data-does": "question",
          onclick: () => document.dispatchEvent(new Event("show-question")),
        },
        "Answer",
      ),
      cancel,
    ];
  }
  return [];
}

/** Show or hide an order; whoever has just given it goes on at the bar of what runs. */
export function hideOrder(order, isHidden) {
  const hadFocus = isHidden && !order.hidden && order.contains(document.activeElement);
  order.hidden = isHidden;
  if (hadFocus) document.getElementById("jobbar").focus();
}

/**
 * How the last job ended, as a card; null where there was none of these kinds.
 * `told` says more of what it came to, in place of how far it was.
 */
export function lastJobCard(kinds, told = []) {
  const last = store.state?.last_job;
  if (!last || running() || !kinds.includes(last.kind)) return null;
  const { problem } = last;
  return h(
    "section",
    { class: `card outcome outcome-${last.state}`, "aria-label": "The last job" },
    icon(last.state === "finished" ? "check" : "warning"),
    h(
      "div",
      {},
      h("h2", {}, `${KINDS[last.kind]} ${last.state}`),
      told.length
        ? told
        : h(
            "p",
            {},
            last.done !== null
              ? `${last.what}: ${last.done}${last.total ? ` of ${last.total}` : ""}.`
              : `${last.what}.`,
          ),
      problem && last.state === "failed"
        ? h(
            "p",
            {},
            h("strong", {}, `${sentence(problem.detail)}.`),
            problem.hint ? ` To mend it: ${problem.hint}.` : "",
          )
        : null,
      (problem?.notes ?? []).map((text) => h("p", { class: "faint" }, `${sentence(text)}.`)),
    ),
  );
}
