// What somebody has to know at once, and then no more.

import { h, icon } from "./dom.js";

const SHOWN_MS = 9000;

/** Say that something did not work: a Problem, or anything that has a message. */
export function complain(error) {
  if (error?.name === "AbortError" || error?.status === 401) return;
  const flaws = error.errors ?? [];
  // Of values that cannot be used it says as well where they stand in the request: that is for programs.
  if (flaws.length) toast("bad", flaws.map(({ what }) => what).join("; "), "");
  else toast("bad", error.message, [error.hint, ...(error.notes ?? [])].filter(Boolean).join(". "));
}

/** Say that something worked, or happened. */
export function note(text, more = "") {
  toast("good", text, more);
}

function toast(kind, text, more) {
  const box = h(
    "div",
    { class: `toast toast-${kind}` },
    icon(kind === "bad" ? "warning" : "check"),
    h("div", {}, h("strong", {}, sentence(text)), more ? h("p", {}, sentence(more)) : null),
    h(
      "button",
      { type: "button", class: "plain", "aria-label": "Close", onclick: () => box.remove() },
      icon("cross"),
    ),
  );
  const toasts = document.getElementById("toasts");
  // Old ones make room: they must not cover what somebody has to press.
  while (toasts.children.length > 2) toasts.firstChild.remove();
  toasts.append(box);
  setTimeout(() => box.matches(":hover, :focus-within") || box.remove(), SHOWN_MS);
}

/** With a capital at its beginning, as the daemon's clauses have none. */
export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

/** Do what a button is for; meanwhile pressing it again does nothing, and what goes wrong is told. */
export async function act(button, call) {
  // Not disabled: that would take the focus from whoever has no mouse.
  if (button.getAttribute("aria-busy")) return undefined;
  button.setAttribute("aria-busy", "true");
  try {
    return await call();
  } catch (error) {
    complain(error);
    return undefined;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
