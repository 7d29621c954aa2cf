// What the keys of rig.toml are called here, and what each is good for.

export const SECTIONS = { turntable: "Turntable", camera: "Camera", light: "Lamp", sorting: "Sorting" };

export const LABELS = {
  "turntable.way": ["Way to the next angle", "Forward only, for gears with play."],
  "turntable.way=shortest": "the shortest",
  "turntable.way=forward": "forward only",
  "turntable.settle": ["When a picture is taken", ""],
  "turntable.settle=fixed": "after a fixed time",
  "turntable.settle=until_still": "once two pictures agree",
  "turntable.settle_s": ["Rest before a picture, seconds", "Calibrate finds it."],
  "camera.exposure_us": ["Exposure, microseconds", "Longer is brighter."],
  "camera.gain": ["Gain", "Higher is brighter, and grainier."],
  "camera.colour_gains": ["White balance: red, blue", "Of a Pi camera."],
  "camera.white_balance_k": ["White balance, kelvin", "Of a webcam."],
  "camera.lens_position": ["Focus", ""],
  "camera.sweep_exposure_us": ["Exposure while it turns, microseconds", ""],
  "light.brightness": ["Brightness", ""],
  "sorting.cost_wrong_bin": ["A part in a wrong bin costs", "In any unit, beside the two below."],
  "sorting.cost_reject": ["A part that is not named costs", "Higher: it names more parts, and errs more."],
  "sorting.cost_look": ["Another look costs", "Lower: it looks more often."],
  "sorting.target_error": ["Or: share in wrong bins", "In place of costs, such as 0.01."],
  "sorting.reject_threshold": ["Or: how sure it must be", "In place of either, such as 0.8."],
  "sorting.most_views": ["Most looks at a part", ""],
  "sorting.look_turn_deg": ["Turn between looks, degrees", ""],
  "sorting.colour_threshold": ["How sure of a colour", ""],
  "sorting.false_strangers": [
    "Known parts lost to strangers",
    "Share that may be lost, so that unknown parts are noticed.",
  ],
  "sorting.wait_for_part_s": ["Empty for so long: the end, seconds", ""],
  "sorting.pushes": ["Pushes of a part that stays", ""],
};
