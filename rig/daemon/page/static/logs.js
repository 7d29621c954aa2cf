// What the daemon has said lately.

import { get } from "./api.js";
import { h, say } from "./dom.js";
import { store } from "./store.js";
import { complain, sentence } from "./toast.js";

const EVERY_MS = 2000;
const MOST_ROWS = 500;
const WEIGHT = { debug: 0, info: 1, warning: 2, error: 3, critical: 4 };

export function show(root, { signal }) {
  const level = h(
    "select",
    { id: "level" },
    h("option", { value: "info" }, "everything"),
    h("option", { value: "warning" }, "warnings and errors"),
    h("option", { value: "error" }, "errors"),
  );
  const job = h("select", { id: "log-job" }, h("option", { value: "" }, "all jobs"));
  const list = h("ol", { class: "log", "aria-label": "Log, the newest first", tabindex: "0" });
  const none = h("p", { class: "faint" }, "Nothing was said.");
  root.append(
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Log"),
      h("div", { class: "field inline" }, h("label", { for: "level" }, "Show"), level),
      h("div", { class: "field inline" }, h("label", { for: "log-job" }, "Of"), job),
    ),
    h("section", { class: "card", "aria-label": "Records" }, none, list),
  );
  get("/jobs", { signal }).then(
    (jobs) =>
      job.append(
        ...jobs.map((each) =>
          h("option", { value: each.id }, `${each.what}, ${new Date(each.started_at).toLocaleTimeString()}`),
        ),
      ),
    complain,
  );

  let after = null; // the newest
  let boot = null;
  let isAsking = false;
  const filter = () => {
    for (const row of list.children) row.hidden = WEIGHT[row.dataset.level] < WEIGHT[level.value];
    none.hidden = [...list.children].some((row) => !row.hidden);
  };
  const again = () => {
    after = null;
    list.replaceChildren();
    look();
  };
  const look = async () => {
    if (isAsking || document.hidden || store.connection !== "here") return;
    // Records are counted anew by each daemon.
    if (boot !== store.state.rig.boot) {
      boot = store.state.rig.boot;
      after = null;
      list.replaceChildren();
    }
    isAsking = true;
    const asked = job.value;
    try {
      const page = await get("/logs", { query: { after, limit: 200, job: asked }, signal });
      // Meanwhile something else was asked for.
      if (asked !== job.value) return;
      after = page.next_after;
      list.prepend(...page.records.map(row).reverse());
      while (list.children.length > MOST_ROWS) list.lastChild.remove();
      filter();
    } catch (error) {
      if (error.status === 404)
        say(none, "This daemon does not show its log here: see journalctl -u brickrig.");
      else if (error.name !== "AbortError" && error.status !== 0) complain(error);
    } finally {
      isAsking = false;
      if (asked !== job.value) again();
    }
  };
  level.addEventListener("change", filter);
  job.addEventListener("change", again);
  const timer = setInterval(look, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  look();
}

function row({ logged_at: at, level, message, hint, job, traceback }) {
  const when = new Date(at * 1000);
  return h(
    "li",
    { class: `log-row log-${level}`, "data-level": level },
    h("time", { datetime: when.toISOString() }, when.toLocaleTimeString()),
    h("span", { class: "log-level" }, level),
    h(
      "span",
      { class: "log-text" },
      sentence(message),
      hint ? h("small", {}, sentence(hint)) : null,
      job ? h("small", {}, `Job ${job}`) : null,
      traceback
        ? h("details", {}, h("summary", {}, "Where it happened"), h("pre", { tabindex: "0" }, traceback))
        : null,
    ),
  );
}
