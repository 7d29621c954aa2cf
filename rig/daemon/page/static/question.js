// What a job asks of whoever is at the rig, as a dialog. The first answer counts, on whichever page it is given.

import { post } from "./api.js";
import { h } from "./dom.js";
import { stopButtons } from "./stopbar.js";
import { running, watch } from "./store.js";
import { act } from "./toast.js";

const WORDS = { retry: "Try again", skip: "Skip this part", quit: "End the list" };

/** Show each question once it is asked, until it is answered. */
export function askQuestions() {
  const dialog = h("dialog", { class: "question", "aria-labelledby": "question-what" });
  document.body.append(dialog);
  let asked = null;
  let before = null;
  const open = () => {
    if (dialog.open || !asked) return;
    before = document.activeElement;
    dialog.showModal();
  };
  // Escape puts it aside; the bar at the top shows it again.
  dialog.addEventListener("close", () => before?.isConnected && before.focus());
  document.addEventListener("show-question", open);
  watch(() => {
    const job = running();
    const question = job?.question ?? null;
    if (question?.id === asked) return;
    asked = question?.id ?? null;
    dialog.close();
    if (!question) return;
    dialog.replaceChildren(...content(job, question));
    open();
  });
}

function content(job, question) {
  const answers = question.answers.length ? question.answers : [""];
  const give = (answer) => (event) =>
    act(event.currentTarget, () => post(`/jobs/${job.id}/answer`, { question_id: question.id, answer }));
  return [
    h("p", { class: "eyebrow" }, "The rig needs you"),
    h("h2", { id: "question-what" }, `${question.sentence}${/[.?!]$/.test(question.sentence) ? "" : "."}`),
    h(
      "div",
      { class: "buttons answers" },
      answers.map((answer, place) =>
        h(
          "button",
          { type: "button", class: place ? "" : "primary", autofocus: !place, onclick: give(answer) },
          WORDS[answer] ?? (answer || "Done"),
        ),
      ),
    ),
    h("div", { class: "dialog-stops" }, stopButtons()),
  ];
}

/** Have somebody confirm something; true where they do. */
export function confirmed(title, text, label) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const dialog = h(
      "dialog",
      { "aria-labelledby": "confirm-what" },
      h("h2", { id: "confirm-what" }, title),
      h("p", {}, text),
      h(
        "form",
        { method: "dialog", class: "buttons answers" },
        h("button", { value: "yes", class: "primary" }, label),
        h("button", { value: "", autofocus: true }, "Leave it as it is"),
      ),
      h("div", { class: "dialog-stops" }, stopButtons()),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
