// What was sorted, by part and colour; files of it for others; and how much of a list is there.

import { address, fetchFile, get, post } from "./api.js";
import { h, icon, say } from "./dom.js";
import { counted, moment, percent } from "./format.js";
import { example } from "./partfield.js";
import { swatch } from "./swatch.js";
import { act, complain } from "./toast.js";

const FORMATS = [
  ["bricklink-upload", "BrickLink, to sell"],
  ["bricklink-wanted", "BrickLink wanted list"],
  ["rebrickable", "Rebrickable"],
  ["brickstore", "BrickStore"],
  ["csv", "Table (CSV)"],
];

export function show(root, { signal }) {
  const total = h("p", { class: "faint" });
  const run = h("select", { id: "run" }, h("option", { value: "" }, "everything"));
  const exports = h("div", { class: "chips" });
  const table = h("div", { class: "scroll" });
  root.append(
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Inventory"),
      total,
      h("div", { class: "field inline" }, h("label", { for: "run" }, "Count"), run),
    ),
    h("section", { class: "card", "aria-label": "Export" }, h("h2", {}, "Take it along"), exports),
    listCard(() => run.value || null),
    h("section", { class: "card", "aria-label": "Lots" }, h("h2", {}, "Parts"), table),
  );
  const draw = async () => {
    const query = { run: run.value || null };
    const { parts, lots } = await get("/inventory", { query, signal });
    say(total, `${counted(parts, "part")} in ${counted(lots.length, "lot")}`);
    exports.replaceChildren(
      ...FORMATS.map(([format, name]) =>
        parts
          ? h(
              "a",
              { class: "button", href: address(`/inventory/export/${format}`, query), download: "" },
              icon("inventory"),
              name,
            )
          : h("button", { type: "button", disabled: true }, name),
      ),
    );
    table.replaceChildren(
      lots.length ? lotsTable(lots) : h("p", { class: "faint" }, "Nothing was sorted into a bin yet."),
    );
  };
  run.addEventListener("change", () => draw().catch(complain));
  get("/runs", { query: { limit: 50 }, signal }).then(
    ({ runs }) =>
      run.append(
        ...runs.map((each) =>
          h(
            "option",
            { value: each.run },
            `the run of ${moment(each.began_at)}, ${counted(each.dropped, "part")}`,
          ),
        ),
      ),
    complain,
  );
  draw().catch(complain);
}

function lotsTable(lots) {
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { class: "unseen" }, "Picture")),
        h("th", { scope: "col" }, "Part"),
        h("th", { scope: "col" }, "Colour"),
        h("th", { scope: "col", class: "number" }, "Count"),
      ),
    ),
    h(
      "tbody",
      {},
      lots.map(({ part, colour, colour_name: name, quantity }) =>
        h(
          "tr",
          {},
          h("td", { class: "cell-picture" }, example(part)),
          h("th", { scope: "row" }, part),
          h("td", {}, swatch(colour), name ?? "not sure"),
          h("td", { class: "number" }, String(quantity)),
        ),
      ),
    ),
  );
}

function listCard(chosenRun) {
  const file = h("input", {
    type: "file",
    id: "wanted-file",
    accept: ".xml,.csv,.bsx,.txt,text/csv,application/xml",
    required: true,
  });
  const kind = h(
    "select",
    { id: "kind" },
    h("option", { value: "wanted" }, "a wanted list"),
    h("option", { value: "set" }, "the parts of a set"),
  );
  const compare = h("button", { type: "submit", class: "primary" }, "Compare");
  const result = h("div", { "aria-live": "polite" });
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        act(compare, async () => {
          const text = await file.files[0].text();
          const run = chosenRun();
          const progress = await post("/inventory/progress", undefined, {
            text,
            query: { kind: kind.value, run },
          });
          result.replaceChildren(progressOf(progress, text, run));
        });
      },
    },
    h(
      "div",
      { class: "pair" },
      h(
        "div",
        { class: "field" },
        h("label", { for: "wanted-file" }, "A list of BrickLink, Rebrickable or BrickStore"),
        file,
      ),
      h("div", { class: "field" }, h("label", { for: "kind" }, "It is"), kind),
    ),
    compare,
  );
  return h(
    "section",
    { class: "card", "aria-label": "Progress" },
    h("h2", {}, "How much of a list is there?"),
    form,
    result,
  );
}

function progressOf({ wanted, have, perhaps, share, notes, lots }, text, run) {
  const missing = lots.filter((lot) => lot.missing);
  const shown = missing.slice(0, 100);
  return h(
    "div",
    { class: "list-progress" },
    h(
      "p",
      {},
      h("strong", { class: "figure" }, percent(share)),
      ` ${have} of ${counted(wanted, "part")}${perhaps ? `, perhaps ${perhaps} more whose colour is not sure` : ""}`,
    ),
    h("progress", { max: 1, value: share, "aria-label": "Share that is there" }),
    notes.map((note) => h("p", { class: "faint" }, note)),
    missing.length
      ? h(
          "details",
          { class: "more", open: missing.length <= 12 },
          h("summary", {}, `${counted(missing.length, "lot")} not complete`),
          h(
            "ul",
            { class: "missing" },
            shown.map((lot) =>
              h(
                "li",
                {},
                swatch(lot.colour),
                h("strong", {}, lot.part),
                ` ${lot.colour_name ?? "any colour"}: `,
                `${lot.missing} missing${lot.perhaps ? `, perhaps ${lot.perhaps} there` : ""}`,
              ),
            ),
            missing.length > shown.length
              ? h("li", { class: "faint" }, `and ${missing.length - shown.length} more`)
              : null,
          ),
          h(
            "div",
            { class: "chips" },
            FORMATS.filter(([format]) => format !== "bricklink-upload").map(([format, name]) =>
              h(
                "button",
                {
                  type: "button",
                  onclick: (event) => act(event.currentTarget, () => save(format, text, run)),
                },
                `Missing ones for ${name}`,
              ),
            ),
          ),
        )
      : h("p", { class: "good" }, icon("check"), "It is complete."),
  );
}

async function save(format, text, run) {
  const query = run ? `?run=${encodeURIComponent(run)}` : "";
  const { name, content } = await fetchFile(`/inventory/export/${format}${query}`, text);
  const link = h("a", { href: URL.createObjectURL(content), download: `missing-${name}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
