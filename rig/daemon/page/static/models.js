// The models: how good each is, its report, and which one is in use.

import { get, put } from "./api.js";
import { h, icon } from "./dom.js";
import { moment, percent, size } from "./format.js";
import { act, complain, note } from "./toast.js";

export function show(root, { signal }) {
  const list = h("ul", { class: "models" });
  root.append(
    h("div", { class: "headline" }, h("h1", {}, "Models")),
    list,
    h(
      "p",
      { class: "faint" },
      "A new one is trained on a larger computer, with ",
      h("code", {}, "rig train"),
      "; it appears here by itself.",
    ),
  );
  const draw = async () => {
    const { models } = await get("/models", { signal });
    list.replaceChildren(
      ...(models.length
        ? models.map((model) => card(model, draw))
        : [
            h(
              "li",
              { class: "card quiet" },
              icon("models"),
              h("h2", {}, "No model yet"),
              h("p", {}, "Capture some parts, then train one."),
            ),
          ]),
    );
    for (const model of models) linkReport(list, model, signal);
  };
  draw().catch(complain);
}

function card(model, draw) {
  const {
    name,
    in_use: isUsed,
    problem,
    created_at: createdAt,
    labels_count: labels,
    top1,
    measured_on: how,
    size_bytes: bytes,
    latency_ms: latency,
  } = model;
  const figure = (label, value) =>
    value ? h("div", {}, h("dt", {}, label), h("dd", {}, h("strong", { class: "figure" }, value))) : null;
  return h(
    "li",
    { class: `card model${isUsed ? " is-used" : ""}`, "data-name": name },
    h(
      "div",
      { class: "model-head" },
      h("h2", {}, name),
      isUsed ? h("span", { class: "badge" }, icon("check"), "in use") : null,
    ),
    problem ? h("p", { class: "flaw" }, `It cannot be used: ${problem}.`) : null,
    h(
      "dl",
      { class: "figures" },
      figure("Right at first sight", percent(top1)),
      figure("Parts it knows", labels ? String(labels) : ""),
      figure("Size", bytes ? size(bytes) : ""),
      figure("A picture takes", latency ? `${latency.toFixed(latency < 10 ? 1 : 0)} ms` : ""),
    ),
    how ? h("p", { class: "faint" }, `Measured on ${how}. Trained ${moment(createdAt)}.`) : null,
    h(
      "div",
      { class: "buttons" },
      isUsed || problem
        ? null
        : h(
            "button",
            {
              type: "button",
              class: "primary",
              onclick: (event) =>
                act(event.currentTarget, async () => {
                  await put("/models/in-use", { name });
                  note(`${name} is in use now`, "Sorting takes it from the next part on.");
                  await draw();
                }),
            },
            "Use this one",
          ),
      h("span", { class: "report" }),
    ),
  );
}

async function linkReport(list, { name }, signal) {
  const details = await get(`/models/${encodeURIComponent(name)}`, { signal }).catch(() => null);
  const place = list.querySelector(`[data-name="${CSS.escape(name)}"] .report`);
  if (!details?.has_report || !place) return;
  place.replaceChildren(
    h(
      "a",
      {
        class: "button",
        href: `/api/v1/models/${encodeURIComponent(name)}/report/index.html`,
        target: "_blank",
        rel: "noopener",
      },
      icon("log"),
      "Report",
    ),
  );
}
