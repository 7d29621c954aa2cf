// rig.toml: the values that can safely be changed from here, and the versions before.

import { get, patch, post } from "./api.js";
import { h, icon } from "./dom.js";
import { moment } from "./format.js";
import { forget, sayFlaws } from "./flaws.js";
import { LABELS, SECTIONS } from "./labels.js";
import { confirmed } from "./question.js";
import { store } from "./store.js";
import { act, complain, note } from "./toast.js";

export function show(root, { signal }) {
  const content = h("div", {});
  root.append(h("h1", {}, "Settings"), content);
  const draw = async (now) => {
    const said = now ?? (await get("/configuration", { signal }));
    content.replaceChildren(...all(said, draw));
  };
  draw().catch(complain);
}

function all(said, draw) {
  const { file, safe_fields: fields, versions, values } = said;
  const form = h(
    "form",
    { class: "settings", novalidate: true },
    groups(fields).map(([section, some]) => group(section, some, !file)),
  );
  const save = h("button", { type: "submit", class: "primary", disabled: !file }, "Save");
  form.append(h("div", { class: "buttons save" }, save));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(save, async () => {
      forget(form);
      const changes = changesOf(form, fields);
      if (!Object.keys(changes).length) return note("Nothing was changed");
      try {
        await draw(await patch("/configuration", changes));
        note("Saved", "The next job goes by it.");
      } catch (error) {
        if (!sayFlaws(form, error)) throw error;
      }
    });
  });
  return [
    file
      ? h(
          "p",
          { class: "faint" },
          `These stand in ${file}. What could hurt the rig is changed there, by hand.`,
        )
      : h(
          "p",
          { class: "card" },
          h(
            "span",
            {},
            "There is no rig.toml yet, so nothing can be changed here. Write one on the rig's computer with ",
            h("code", {}, "rig init"),
            ".",
          ),
        ),
    form,
    versions.length
      ? h(
          "section",
          { class: "card", "aria-label": "Earlier versions" },
          h("h2", {}, "Earlier versions"),
          h(
            "ul",
            { class: "versions" },
            versions.map((version) =>
              h(
                "li",
                {},
                h("span", {}, new Date(version.kept_at).toLocaleString()),
                restoreButton(version, draw),
              ),
            ),
          ),
        )
      : null,
    h(
      "details",
      { class: "card more" },
      h("summary", {}, "All values"),
      h("pre", { tabindex: "0", "aria-label": "All values" }, JSON.stringify(values, null, 2)),
    ),
    store.session?.needs_token
      ? h(
          "button",
          {
            type: "button",
            onclick: (event) =>
              act(event.currentTarget, async () => {
                await post("/logout");
                location.reload();
              }),
          },
          "Sign out",
        )
      : null,
  ].filter(Boolean);
}

function restoreButton({ version, kept_at: keptAt }, draw) {
  return h(
    "button",
    {
      type: "button",
      class: "small",
      onclick: (event) =>
        act(event.currentTarget, async () => {
          const when = new Date(keptAt).toLocaleString();
          if (
            !(await confirmed(
              "Go back to an earlier rig.toml?",
              `What held until ${when} holds again. The one of now is kept.`,
              "Go back",
            ))
          )
            return;
          const now = await post("/configuration/restore", { version });
          note("That version holds again");
          await draw(now);
        }),
    },
    icon("undo"),
    "Go back to it",
  );
}

function groups(fields) {
  const found = new Map();
  for (const field of fields) {
    const [section] = field.name.split(".");
    found.set(section, [...(found.get(section) ?? []), field]);
  }
  return [...found];
}

function group(section, fields, isReadOnly) {
  return h(
    "fieldset",
    { class: "card", disabled: isReadOnly },
    h("legend", {}, SECTIONS[section] ?? section),
    h("div", { class: "fields" }, fields.map(fieldOf)),
  );
}

function fieldOf({ name, value, default: usual, allowed }) {
  const id = `set-${name.replace(".", "-")}`;
  const [label, help] = LABELS[name] ?? [name, ""];
  const input = allowed.enum
    ? h(
        "select",
        { id, name },
        allowed.enum.map((each) =>
          h("option", { value: each, selected: each === value }, LABELS[`${name}=${each}`] ?? each),
        ),
      )
    : h("input", {
        id,
        name,
        type: "text",
        inputmode: allowed.type === "array" ? "text" : "decimal",
        value: written(value),
        placeholder: usual === null ? "by itself" : written(usual),
        autocomplete: "off",
        "aria-describedby": `${id}-help`,
      });
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    h("small", { id: `${id}-help` }, [help, limits(allowed)].filter(Boolean).join(" "), h("code", {}, name)),
  );
}

function limits({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  if (type === "array") return "Two numbers, with a comma between them.";
  const low = minimum ?? exclusiveMinimum;
  const high = maximum ?? exclusiveMaximum;
  if (low === undefined) return "";
  return high === undefined ? `More than ${low}.` : `From ${low} to ${high.toLocaleString("en")}.`;
}

const written = (value) =>
  value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value);

/** What differs from what holds; an empty field stands for the default. */
function changesOf(form, fields) {
  const changes = {};
  for (const { name, value, allowed } of fields) {
    const text = form.elements[name].value.trim();
    if (text === written(value)) continue;
    changes[name] = text === "" ? null : read(text, allowed);
  }
  return changes;
}

function read(text, { type }) {
  if (type === "string") return text;
  if (type === "array") return text.split(/[,\s]+/).map(Number);
  const number = Number(text.replace(",", "."));
  // What is no number is sent as it is: the daemon says best what is wrong with it.
  return Number.isNaN(number) ? text : number;
}
