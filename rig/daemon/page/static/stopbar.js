// Stopping, always in reach: one press, or Escape twice.

import { post } from "./api.js";
import { h, icon } from "./dom.js";
import { complain, note } from "./toast.js";

const TWICE_WITHIN_MS = 1000;

/** Show both buttons, for good. */
export function showStopBar(root) {
  root.hidden = false;
  root.replaceChildren(...stopButtons());
  root.append(h("p", { class: "keys", id: "stop-keys" }, h("kbd", {}, "Esc"), " twice: emergency stop"));
  let pressedAt = -Infinity;
  // On the way down, so that no dialog or list keeps it from us.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || event.repeat) return;
      if (event.timeStamp - pressedAt < TWICE_WITHIN_MS) {
        pressedAt = -Infinity;
        emergencyStop();
      } else pressedAt = event.timeStamp;
    },
    { capture: true },
  );
}

/** The two buttons; dialogs have their own pair, since nothing behind a dialog can be pressed. */
export function stopButtons() {
  return [
    h(
      "button",
      {
        type: "button",
        class: "stop",
        onclick: stop,
        title: "Stops all motion and ends the job; the rig stays on",
      },
      icon("stop"),
      "Stop",
    ),
    h(
      "button",
      {
        type: "button",
        class: "emergency",
        onclick: emergencyStop,
        title: "Cuts the motors off at once; the board has to be reset afterwards",
      },
      icon("warning"),
      "Emergency stop",
    ),
  ];
}

async function stop() {
  try {
    const { job } = await post("/stop", {}, { timeoutS: 30 });
    note(job ? "Stopped" : "Nothing was moving", job ? "The rig is at rest." : "");
  } catch (error) {
    complain(error);
  }
}

async function emergencyStop() {
  try {
    // No more than one attempt must be slow: whoever presses again is heard again.
    await post("/emergency-stop", {}, { timeoutS: 30 });
    note("Emergency stop", "Motors are released. See that all is well, then reset the board.");
  } catch (error) {
    complain(
      error.status === 0
        ? { message: "The stop did not get through", hint: "cut the motor power at its switch, now" }
        : error,
    );
  }
}
