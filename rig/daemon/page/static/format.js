// Numbers, times and names as people read them.

/** 0.934 as "93 %"; never "100 %" of what is not certain. */
export function percent(share) {
  if (share === null || share === undefined) return "";
  const rounded = share < 1 ? Math.min(99, Math.round(100 * share)) : 100;
  return `${rounded} %`;
}

/** "1 picture", "2 pictures". */
export const counted = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** A moment near now by its time, an earlier one by its date as well. */
export function moment(text) {
  if (!text) return "";
  const date = new Date(text);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** Bytes as `rig model` tells them: 0.52 MB. */
export function size(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

/** Seconds as "2:05". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Why no part was named. */
export const DOUBTS = {
  unsure: "not sure enough",
  stranger: "unlike any known part",
  several: "several at once",
  "cut off": "half in view",
  gone: "left the table",
};

/** What became of a job. */
export const ENDS = { finished: "Finished", cancelled: "Cancelled", stopped: "Stopped", failed: "Failed" };

/** What a job is called. */
export const KINDS = {
  capture: "Capture",
  batch: "Captures of a list",
  resume: "Capture",
  sort: "Sorting",
  calibrate_table: "Measuring the table",
  calibrate_settle: "Measuring how the table settles",
  calibrate_camera: "Setting the camera",
};
