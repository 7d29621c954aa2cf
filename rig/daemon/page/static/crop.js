// A picture of which only the part is shown, where it is known where that lies.

import { h } from "./dom.js";

const ROOM = 1.7;
const RATIO = 4 / 3;

/** The picture at `src`, as large as its place; `box` is x, y, width, height in pixels of the whole file. */
export function cropped(src, alt, box) {
  const image = h("img", { src, alt, loading: "lazy" });
  if (box) {
    const zoom = () => zoomed(image, box);
    if (image.complete && image.naturalWidth) zoom();
    else image.addEventListener("load", zoom, { once: true });
  }
  return h("span", { class: "crop" }, image);
}

function zoomed(image, [x, y, width, height]) {
  const { naturalWidth, naturalHeight } = image;
  // Pictures of another shape are cut by `object-fit` already, and then stay as they are.
  if (Math.abs(naturalWidth / naturalHeight - RATIO) > 0.02) return;
  const shownWidth = Math.min(naturalWidth, ROOM * Math.max(width, height * RATIO));
  const scale = naturalWidth / shownWidth;
  const shownHeight = shownWidth / RATIO;
  const left = clamp(x + width / 2 - shownWidth / 2, naturalWidth - shownWidth);
  const top = clamp(y + height / 2 - shownHeight / 2, naturalHeight - shownHeight);
  const part = (value, whole) => `${((-100 * value * scale) / whole).toFixed(2)}%`;
  image.style.transform = `translate(${part(left, naturalWidth)}, ${part(top, naturalHeight)}) scale(${scale.toFixed(3)})`;
}

const clamp = (value, most) => Math.max(0, Math.min(value, most));
