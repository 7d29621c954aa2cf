// The common colours, as rig.catalog has them: LDraw code, name, sRGB. A test holds both together.

export const COLOURS = [
  [0, "Black", "#1b2a34"],
  [1, "Blue", "#1e5aa8"],
  [2, "Green", "#00852b"],
  [4, "Red", "#b40000"],
  [6, "Brown", "#543324"],
  [14, "Yellow", "#fac80a"],
  [15, "White", "#f4f4f4"],
  [19, "Tan", "#d7ba8c"],
  [25, "Orange", "#d67923"],
  [27, "Lime", "#a5ca18"],
  [28, "Dark Tan", "#897d62"],
  [70, "Reddish Brown", "#5f3109"],
  [71, "Light Bluish Grey", "#969696"],
  [72, "Dark Bluish Grey", "#646464"],
  [272, "Dark Blue", "#19325a"],
  [288, "Dark Green", "#00451a"],
  [320, "Dark Red", "#720012"],
];

/** The colour of a code as CSS has it; null where it is none of the common ones. */
export const rgbOf = (code) => COLOURS.find(([each]) => each === code)?.[2] ?? null;
