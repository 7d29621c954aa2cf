// What is wrong with values of a form, said at the field that each stands in.

import { h } from "./dom.js";

/** Take away what was said before. */
export function forget(form) {
  for (const said of form.querySelectorAll("[data-flaw]")) said.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.setAttribute("aria-describedby", `${field.id}-help`);
  }
}

/** Say what a Problem says of fields, and go to the first of them; false where it says nothing of any. */
export function sayFlaws(form, problem) {
  const found = [...form.elements]
    .filter(({ name }) => name)
    .map((field) => [field, problem.errors.find(({ where }) => `${where}.`.startsWith(`body.${field.name}.`))])
    .filter(([, flaw]) => flaw);
  for (const [field, { what }] of found) {
    const id = `${field.id}-flaw`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${id} ${field.id}-help`);
    field.after(h("p", { class: "flaw", id, "data-flaw": "" }, `${what}.`));
  }
  found[0]?.[0].focus();
  return found.length > 0;
}
