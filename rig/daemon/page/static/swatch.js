// A dab of a colour, beside its name.

import { rgbOf } from "./colours.js";
import { h } from "./dom.js";

/** A dab; striped where the colour is none of the common ones, or not known. */
export function swatch(code) {
  const dab = h("span", { class: "swatch", "aria-hidden": "true" });
  const rgb = rgbOf(code);
  if (rgb) dab.style.backgroundColor = rgb;
  else dab.classList.add("swatch-unknown");
  return dab;
}
