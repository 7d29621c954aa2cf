// What a job has told so far, event by event, in the shape in which the views show it.

const MOST_PARTS = 20;

/** The story of a job that has told nothing yet. */
export function begun(job) {
  return {
    id: job?.id ?? null,
    kind: job?.kind ?? null,
    plan: null, // of the session under way: part, steps, poses
    pose: 0,
    marks: [], // of that session: {pose, angleDeg}, in the order in which they were taken
    latest: null, // the file name of its latest picture
    rejected: null, // {angleDeg, flaw} of a view that is taken again
    batch: null, // {done, total, rows}
    run: null, // of sorting mode: its id
    model: null,
    sorted: [], // the latest parts, the newest first: {row, part, doubt, bin, probability, box}
    sortedCount: 0,
    remarks: [],
    trouble: null,
    summary: null,
    measured: [], // what calibration has found, as sentences
    told: 0,
  };
}

/** Take note of an event: `{event: "ViewTaken", ...}`, as rig.jobs.wire writes it. */
export function follow(story, event) {
  story.told += 1;
  TOLD[event.event]?.(story, event);
}

const TOLD = {
  CaptureStarted(story, { plan }) {
    beginSession(story, plan);
  },
  BatchStarted(story, { batch }) {
    story.batch = { total: batch.rows.length, done: batch.rows.filter((row) => row.done).length };
  },
  RowStarted(story, { plan }) {
    beginSession(story, plan);
  },
  RowEnded(story) {
    if (story.batch) story.batch.done += 1;
  },
  PoseStarted(story, { pose }) {
    story.pose = pose;
  },
  ViewTaken(story, { row }) {
    story.marks.push({ pose: row.pose, angleDeg: row.angle_deg });
    story.latest = row.file_name;
    story.rejected = null;
  },
  ViewRejected(story, { angle_deg: angleDeg, flaw }) {
    story.rejected = { angleDeg, flaw };
  },
  SortStarted(story, { run, model, remarks }) {
    Object.assign(story, { run, model, remarks });
  },
  PartSorted(story, { row, decision, bin_name: bin, box, done }) {
    const { part, probability, doubt } = decision;
    story.sorted = [
      { row, part, probability, doubt, bin, box: [box.x, box.y, box.width, box.height] },
      ...story.sorted,
    ].slice(0, MOST_PARTS);
    story.sortedCount = done;
    story.trouble = null;
  },
  PartReturned(story, { bin_name: bin }) {
    story.remarks = [`A part that could not be looked at went to ${bin}: feed it again.`];
  },
  PartAstray(story, { bin_name: bin }) {
    story.remarks = [
      bin
        ? `A part for ${bin} went astray, and is not counted.`
        : "A part fell off the table, and is not counted.",
    ];
  },
  PileEmpty(story) {
    story.remarks = ["No more parts came: the pile seems to be empty."];
  },
  Trouble(story, { what, hint }) {
    story.trouble = { what, hint };
  },
  TroubleOver(story) {
    story.trouble = null;
  },
  SortFinished(story, { summary }) {
    story.summary = summary;
  },
  TableMeasured(story, { commanded_deg: deg, uncertainty_deg: uncertainty }) {
    story.measured.push(
      `A turn of the table is ${deg.toFixed(2)} commanded degrees, give or take ${uncertainty.toFixed(2)}.`,
    );
  },
  SettleMeasured(story, { settle_s: settleS }) {
    story.measured.push(`The table comes to rest within ${settleS} s: that belongs into settle_s.`);
  },
  CameraMeasured(story, { settings }) {
    const values = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
    story.measured.push(`The camera is set: ${values.join(", ")}.`);
  },
  SettingsWritten(story) {
    story.measured.push("That stands in rig.toml now.");
  },
};

function beginSession(story, plan) {
  Object.assign(story, { plan, pose: 0, marks: [], latest: null, rejected: null });
}
