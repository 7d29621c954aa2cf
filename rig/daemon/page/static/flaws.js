// What is wrong with values of a form, said at the field that each stands in.

import { h } from "./dom.js";
import { sentence } from "./toast.js";

/** Take away what was said before. */
export function forget(form) {
  for (const said of form.querySelectorAll("[data-flaw]")) said.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    describe(field, others(field));
  }
}

/**
 * Say what a Problem says of fields, and go to the first of them; false where it says nothing of any.
 * `at` is what the API calls the values of the form.
 */
export function sayFlaws(form, problem, at = "body") {
  const found = [...form.elements]
    .filter(({ name }) => name)
    .map((field) => [field, problem.errors?.find(({ where }) => `${where}.`.startsWith(`${at}.${field.name}.`))])
    .filter(([, flaw]) => flaw);
  for (const [field, { what }] of found) {
    const id = flawOf(field);
    field.setAttribute("aria-invalid", "true");
    describe(field, [id, ...others(field)]);
    field.after(h("p", { class: "flaw", id, "data-flaw": "" }, `${sentence(what)}.`));
    // One that is folded away can be neither seen nor gone to.
    const folded = field.closest("details");
    if (folded) folded.open = true;
  }
  found[0]?.[0].focus();
  return found.length > 0;
}

const flawOf = (field) => `${field.id}-flaw`;

/** What describes a field beside its flaw. */
const others = (field) =>
  (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== flawOf(field));

function describe(field, ids) {
  if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
  else field.removeAttribute("aria-describedby");
}
