// A field for a part number that completes what is typed, from what is known here. A combobox with a list, as
// the ARIA Authoring Practices describe it.

import { capturePicture, get } from "./api.js";
import { cropped } from "./crop.js";
import { h } from "./dom.js";

const WAIT_MS = 120;
const KNOWN = { captures: "captured", model: "learned", bins: "has a bin", simulator: "simulated" };
let made = 0;

/** The field: `{element, input}`; `onchoose` is called with a part that was chosen from the list. */
export function partField({ label, name = "part", required = true, signal, onchoose = () => {} }) {
  const id = `part-${(made += 1)}`;
  const list = h("ul", {
    id: `${id}-list`,
    role: "listbox",
    class: "options",
    hidden: true,
    "aria-label": "Known parts",
  });
  const input = h("input", {
    id,
    name,
    required,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    maxlength: 64,
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
    placeholder: "such as 3001",
  });
  let timer = null;
  let query = 0;
  let at = -1;

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (option) => {
    input.value = option.dataset.part;
    close();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    clearTimeout(timer);
    close();
    onchoose(option.dataset.part);
  };
  const move = (to) => {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = (to + list.children.length) % list.children.length;
    const option = list.children[at];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };
  const look = async () => {
    const number = (query += 1);
    const parts = await get("/parts", { query: { prefix: input.value.trim(), limit: 8 }, signal }).catch(
      () => [],
    );
    if (number !== query || document.activeElement !== input) return;
    list.replaceChildren(...parts.map((part, place) => option(part, `${id}-${place}`, choose)));
    at = -1;
    input.removeAttribute("aria-activedescendant");
    const isSame = parts.length === 1 && parts[0].part === input.value.trim();
    list.hidden = !parts.length || isSame;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  input.addEventListener("click", look);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) look();
      else move(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1);
    } else if (event.key === "Enter" && !list.hidden && at >= 0) {
      event.preventDefault();
      choose(list.children[at]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  const element = h(
    "div",
    { class: "field combo" },
    h("label", { for: id }, label),
    h("div", { class: "combo-box" }, input, list),
  );
  return { element, input };
}

function option({ part, name, known_from: places }, id, choose) {
  return h(
    "li",
    {
      id,
      role: "option",
      "aria-selected": "false",
      "data-part": part,
      onpointerdown: (event) => {
        event.preventDefault(); // the field keeps the focus
        choose(event.currentTarget);
      },
    },
    h("strong", {}, part),
    h("span", {}, name ?? ""),
    h("small", {}, places.map((place) => KNOWN[place] ?? place).join(", ")),
  );
}

const examples = new Map();

/** A picture of a part from the dataset, of the part alone; nothing where there is none. */
export function example(part) {
  const place = h("span", { class: "example" });
  if (!examples.has(part)) {
    examples.set(
      part,
      get(`/captures/${encodeURIComponent(part)}`, { query: { limit: 1 } }).then(
        ({ pictures }) => pictures[0],
        () => {
          examples.delete(part); // it may be captured later
          return undefined;
        },
      ),
    );
  }
  examples
    .get(part)
    .then((picture) => picture && place.append(cropped(capturePicture(picture.file_name), "", picture.box)));
  return place;
}
