// The review queue: parts that sorting was not sure of, named with number keys as in `rig review`.

import { get, ledgerPicture, post } from "./api.js";
import { h, icon, replaced, say } from "./dom.js";
import { forget, sayFlaws } from "./flaws.js";
import { counted, DOUBTS, moment, percent } from "./format.js";
import { example, partField } from "./partfield.js";
import { confirmed } from "./question.js";
import { complain, sentence } from "./toast.js";

const AT_ONCE = 20;

export function show(root, { signal }) {
  const queue = { parts: [], waiting: 0, by: "age", isBusy: false, answered: 0 };
  const left = h("p", { class: "faint", role: "status" });
  const order = h(
    "select",
    {
      id: "by",
      onchange: () => {
        queue.by = order.value;
        refill(true);
      },
    },
    h("option", { value: "age" }, "the oldest first"),
    h("option", { value: "use" }, "those first that teach most"),
  );
  const stage = h("div", { class: "review-stage" });
  root.append(
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Review"),
      left,
      h("div", { class: "field inline" }, h("label", { for: "by" }, "Order"), order),
    ),
    stage,
    h(
      "p",
      { class: "keys" },
      h("kbd", {}, "1"),
      " to ",
      h("kbd", {}, "3"),
      " one of these, ",
      h("kbd", {}, "/"),
      " another part number, ",
      h("kbd", {}, "s"),
      " nobody can tell, ",
      h("kbd", {}, "x"),
      " no single part, ",
      h("kbd", {}, "u"),
      " undo",
    ),
  );

  const refill = async (isAll) => {
    try {
      const answer = await get("/review", { query: { limit: AT_ONCE, by: queue.by }, signal });
      queue.waiting = answer.waiting;
      queue.parts = answer.parts;
    } catch (error) {
      complain(error);
    }
    draw(isAll);
  };
  const draw = (isAll) => {
    const [part] = queue.parts;
    say(left, queue.waiting ? `${counted(queue.waiting, "part")} to name` : "");
    if (isAll) delete stage.dataset.key;
    replaced(stage, part?.id ?? ["none", queue.answered], () =>
      part ? card(part, { give, take, signal }) : empty(queue.answered, take),
    );
  };
  /** Answer the first part of the queue. */
  const give = async (verdict, name = null, isNew = false) => {
    const [part] = queue.parts;
    if (!part || queue.isBusy) return;
    queue.isBusy = true;
    stage.classList.add("is-busy");
    try {
      const body = verdict === "named" ? { verdict, part: name, new: isNew } : { verdict };
      const answer = await post(`/review/${part.id}`, body);
      queue.answered += 1;
      queue.waiting = answer.waiting;
      queue.parts = queue.parts.filter((each) => each.id !== part.id);
      if (answer.unreadable.length) complain({ message: answer.unreadable[0] });
      if (!queue.parts.length && queue.waiting) await refill();
      draw();
    } catch (error) {
      await tell(error, name);
    } finally {
      queue.isBusy = false;
      stage.classList.remove("is-busy");
    }
  };
  const tell = async (error, name) => {
    if (error.kind !== "NewHere") {
      const form = stage.querySelector("form");
      if (form) forget(form);
      if (!form || !sayFlaws(form, error, "body.named")) complain(error);
      return;
    }
    const text = ["No such part was captured, learned or given a bin yet.", ...error.notes.map(sentence)];
    if (await confirmed(`${name} is new here`, text.join(" "), `It is ${name}`)) {
      queue.isBusy = false;
      await give("named", name, true);
    }
  };
  const take = async () => {
    if (queue.isBusy) return;
    try {
      await post("/review/undo");
      await refill(true);
    } catch (error) {
      complain(error);
    }
  };
  document.addEventListener(
    "keydown",
    (event) => {
      const isTyping = event.target.closest("input, select, textarea, dialog") !== null;
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const [part] = queue.parts;
      const place = Number(event.key) - 1;
      if (event.key === "u") take();
      else if (!part) return;
      else if (part.candidates[place] && place < 3) give("named", part.candidates[place].label);
      else if (event.key === "s") give("skipped");
      else if (event.key === "x") give("unusable");
      else if (event.key === "/") stage.querySelector(".other input").focus();
      else return;
      event.preventDefault();
    },
    { signal },
  );
  refill();
}

function card(part, { give, take, signal }) {
  const other = partField({ label: "Another part number", signal });
  const [first, ...more] = part.pictures;
  const large = h("img", {
    class: "review-large",
    src: ledgerPicture(first.picture, 640),
    alt: "The part as the camera saw it",
    width: 640,
    height: 480,
  });
  const small = more.length
    ? h(
        "div",
        { class: "looks", role: "group", "aria-label": "All looks at it" },
        part.pictures.map(({ picture }, place) =>
          h(
            "button",
            {
              type: "button",
              class: "look",
              "aria-label": `Look ${place + 1}`,
              onclick: () => (large.src = ledgerPicture(picture, 640)),
            },
            h("img", { src: ledgerPicture(picture, 160), alt: "", width: 160, height: 120 }),
          ),
        ),
      )
    : null;
  const why = part.part
    ? `It was sorted as ${part.part}, and was not quite sure.`
    : part.doubt
      ? `It was ${DOUBTS[part.doubt] ?? part.doubt}.`
      : "";
  return h(
    "section",
    { class: "card review-card", "aria-label": "Which part is this?" },
    h("div", { class: "review-pictures" }, large, small),
    h(
      "div",
      { class: "review-answers" },
      h("h2", {}, "Which part is this?"),
      h("p", { class: "faint" }, `${why} ${moment(part.decided_at)}`),
      h(
        "ol",
        { class: "choices" },
        part.candidates
          .slice(0, 3)
          .map(({ label, probability }, place) =>
            h(
              "li",
              {},
              h(
                "button",
                { type: "button", class: "choice", onclick: () => give("named", label) },
                h("kbd", { "aria-hidden": "true" }, String(place + 1)),
                example(label),
                h("strong", {}, label),
                h("span", { class: "faint" }, percent(probability)),
              ),
            ),
          ),
      ),
      h(
        "form",
        {
          class: "other",
          onsubmit: (event) => {
            event.preventDefault();
            give("named", other.input.value.trim());
          },
        },
        other.element,
        h("button", { type: "submit" }, "It is this"),
      ),
      h(
        "div",
        { class: "buttons" },
        h(
          "button",
          { type: "button", onclick: () => give("skipped") },
          h("kbd", { "aria-hidden": "true" }, "s"),
          "Nobody can tell",
        ),
        h(
          "button",
          { type: "button", onclick: () => give("unusable") },
          h("kbd", { "aria-hidden": "true" }, "x"),
          "No single part",
        ),
        h("button", { type: "button", onclick: take }, h("kbd", { "aria-hidden": "true" }, "u"), "Undo"),
      ),
    ),
  );
}

function empty(answered, take) {
  return h(
    "section",
    { class: "card quiet" },
    icon("check"),
    h("h2", {}, answered ? "All named, thank you" : "Nothing waits"),
    h(
      "p",
      {},
      answered
        ? "They are in the dataset now; the next model that is trained learns them."
        : "Parts that sorting is not sure of wait here for a name.",
    ),
    answered
      ? h(
          "button",
          { type: "button", onclick: take },
          h("kbd", { "aria-hidden": "true" }, "u"),
          "Undo the last",
        )
      : null,
  );
}
