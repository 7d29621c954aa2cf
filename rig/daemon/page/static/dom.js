// Builds elements without any HTML in strings: what is put in is always text.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: attributes, `class`, properties that begin with a dot, listeners that begin with "on".
 * What is null, undefined or false is left out.
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith(".")) element[name.slice(1)] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Put children in place of those that are there, unless `key` says that nothing changed since. */
export function replaced(element, key, make) {
  const text = JSON.stringify(key);
  if (element.dataset.key === text) return false;
  element.dataset.key = text;
  element.replaceChildren(...[make()].flat(Infinity).filter(Boolean));
  return true;
}

/** Text of an element, touched only where it changes: screen readers read what is written anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A pictogram of the sheet below; it says nothing that the words beside it do not say. */
export function icon(name) {
  return s(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
    s("path", { d: PATHS[name] }),
  );
}

const PATHS = {
  capture:
    "M4 7h3l2-3h6l2 3h3a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zm8 2.5a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  sort: "M3 4h18v3l-7 7v6l-4-2v-4L3 7z",
  review: "M12 3a9 9 0 0 0-9 9h2a7 7 0 1 1 3 5.7V15H2v7h2v-2.6A9 9 0 1 0 12 3zm-1 5v5h2V8zm0 6.5v2h2v-2z",
  pictures: "M4 4h7v7H4zm9 0h7v7h-7zM4 13h7v7H4zm9 0h7v7h-7z",
  models:
    "M12 2l9 5v10l-9 5-9-5V7zm0 2.3L6.2 7.5 12 10.7l5.8-3.2zM5 9.2v6.6l6 3.3v-6.6zm14 0l-6 3.3v6.6l6-3.3z",
  inventory: "M3 5h18v4H3zm1 5h16v10H4zm5 2v2h6v-2z",
  care: "M21 6.5a5 5 0 0 1-6.6 6.2l-7 7a2 2 0 0 1-3-2.9l7-7A5 5 0 0 1 17.500 3L14.600 6l.6 2.800 2.800.6z",
  settings:
    "M4 6h8v2H4zm12 0h4v2h-4zM13 4h2v6h-2zM4 12h2v2H4zm6 0h10v2H10zM7 10h2v6H7zM4 18h10v2H4zm14 0h2v2h-2zM15 16h2v6h-2z",
  log: "M5 3h14v18H5zm3 4v2h8V7zm0 4v2h8v-2zm0 4v2h5v-2z",
  stop: "M6 6h12v12H6z",
  pause: "M7 5h4v14H7zm6 0h4v14h-4z",
  play: "M7 4l13 8-13 8z",
  cross:
    "M6.400 5L12 10.600 17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400L12 13.400 6.400 19 5 17.600 10.600 12 5 6.400z",
  warning: "M12 3l10 18H2zm-1 7v5h2v-5zm0 6.500v2h2v-2z",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1 5h2v2h-2zm0 4h2v6h-2z",
  check: "M9.500 16.200L5.300 12l-1.400 1.400 5.600 5.600L20.500 8l-1.400-1.400z",
  undo: "M8 5v4h6a5 5 0 0 1 0 10H7v-2h7a3 3 0 0 0 0-6H8v4L2 10z",
  next: "M9 5l7 7-7 7z",
  back: "M15 5l-7 7 7 7z",
};
