// Signing in with a token, where the rig is asked from another computer.

import { post } from "./api.js";
import { h, icon } from "./dom.js";
import { complain } from "./toast.js";

/** Show the form in `main`; `done` is called once somebody is signed in. */
export function showSignIn(main, done) {
  if (main.querySelector(".signin")) return;
  const wrong = h("p", { class: "flaw", id: "token-wrong", role: "alert" });
  const token = h("input", {
    type: "password",
    id: "token",
    name: "token",
    required: true,
    autocomplete: "current-password",
    maxlength: 200,
    "aria-describedby": "token-help token-wrong",
  });
  const enter = h("button", { type: "submit", class: "primary wide" }, "Sign in");
  const form = h(
    "form",
    {
      class: "card signin",
      onsubmit: async (event) => {
        event.preventDefault();
        enter.disabled = true;
        wrong.textContent = "";
        try {
          await post("/login", { token: token.value.trim() });
          main.replaceChildren();
          await done();
        } catch (error) {
          if (error.status === 401 || error.status === 429)
            wrong.textContent = `${error.message[0].toUpperCase()}${error.message.slice(1)}: ${error.hint}.`;
          else complain(error);
          token.select();
        }
        enter.disabled = false;
      },
    },
    h("span", { class: "signin-lock" }, icon("inventory")),
    h("h1", {}, "Sign in"),
    h(
      "p",
      { class: "faint", id: "token-help" },
      "This rig asks for a token. Whoever looks after it makes one on its computer: ",
      h("code", {}, "rig serve --new-token NAME"),
    ),
    h("div", { class: "field" }, h("label", { for: "token" }, "Token"), token),
    wrong,
    enter,
  );
  main.replaceChildren(form);
  token.focus();
}
