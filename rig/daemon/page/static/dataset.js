// The dataset: a card for each part, and the pictures of one part as a contact sheet, session by session.

import { address, capturePicture, get } from "./api.js";
import { h, icon, say } from "./dom.js";
import { counted, moment } from "./format.js";
import { example } from "./partfield.js";
import { swatch } from "./swatch.js";
import { complain } from "./toast.js";

const A_PAGE = 72;

export function show(root, { signal, rest }) {
  (rest[0] ? showPart(root, rest[0], signal) : showAll(root, signal)).catch(complain);
}

async function showAll(root, signal) {
  const total = h("p", { class: "faint" });
  const grid = h("ul", { class: "classes" });
  const filter = h("input", { type: "search", id: "filter", placeholder: "3001", autocomplete: "off" });
  const none = h(
    "section",
    { class: "card quiet", hidden: true },
    icon("capture"),
    h("h2", {}, "No pictures yet"),
    h("p", {}, "Lay a part on the table and capture it."),
    h("a", { class: "button primary", href: "#/capture" }, "Capture a part"),
  );
  root.append(
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Pictures"),
      total,
      h("div", { class: "field inline" }, h("label", { for: "filter" }, "Find a part"), filter),
    ),
    none,
    grid,
  );
  const { pictures, camera, simulated, classes } = await get("/captures", { signal });
  const kinds =
    camera && simulated
      ? ` (${camera.toLocaleString("en")} of a camera, ${simulated.toLocaleString("en")} simulated)`
      : "";
  say(total, `${counted(pictures, "picture")} of ${counted(classes.length, "part")}${kinds}`);
  none.hidden = classes.length > 0;
  const names = new Map(
    (await get("/parts", { query: { limit: 500 }, signal }).catch(() => [])).map(({ part, name }) => [
      part,
      name,
    ]),
  );
  const draw = () => {
    const wanted = filter.value.trim().toLowerCase();
    grid.replaceChildren(
      ...classes
        .filter(
          ({ part }) =>
            part.toLowerCase().includes(wanted) || (names.get(part) ?? "").toLowerCase().includes(wanted),
        )
        .map((each) => classCard(each, names.get(each.part))),
    );
    whenSeen(grid, signal);
  };
  filter.addEventListener("input", draw);
  draw();
}

function classCard(each, name) {
  const { part, pictures, sessions } = each;
  return h(
    "li",
    { "data-part": part },
    h(
      "a",
      { class: "class", href: `#/pictures/${encodeURIComponent(part)}` },
      h("span", { class: "class-picture" }),
      h("strong", {}, part),
      name ? h("span", { class: "faint" }, name) : null,
      h("small", {}, `${counted(pictures, "picture")}, ${counted(sessions, "session")}`),
    ),
  );
}

/** Thousands of parts have thousands of pictures: those are fetched that come into view. */
function whenSeen(grid, signal) {
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        target.querySelector(".class-picture").append(example(target.dataset.part));
      }
    },
    { rootMargin: "200px" },
  );
  for (const item of grid.children) observer.observe(item);
  signal.addEventListener("abort", () => observer.disconnect());
}

async function showPart(root, part, signal) {
  const total = h("p", { class: "faint" });
  const sheet = h("div", { class: "sheet" });
  const more = h("button", { type: "button", hidden: true }, "Show more");
  root.append(
    h("a", { class: "back", href: "#/pictures" }, icon("back"), "All parts"),
    h(
      "div",
      { class: "headline" },
      h("h1", {}, part),
      total,
      h(
        "a",
        {
          class: "button",
          href: address(`/captures/${encodeURIComponent(part)}/sheet.jpg`),
          target: "_blank",
          rel: "noopener",
        },
        icon("pictures"),
        "As one sheet",
      ),
    ),
    sheet,
    more,
  );
  let shown = 0;
  let session = null;
  const next = async () => {
    const answer = await get(`/captures/${encodeURIComponent(part)}`, {
      query: { offset: shown, limit: A_PAGE },
      signal,
    });
    shown += answer.pictures.length;
    say(total, counted(answer.total, "picture"));
    for (const picture of answer.pictures) {
      if (session?.name !== picture.session) session = { name: picture.session, list: begin(sheet, picture) };
      session.list.append(thumbnail(picture));
    }
    more.hidden = shown >= answer.total;
  };
  more.addEventListener("click", () => next().catch(complain));
  await next();
}

function begin(
  sheet,
  { session, colour, colour_name: colourName, physical_part: brick, captured_at: at, source },
) {
  const list = h("ul", { class: "thumbs" });
  const said = [moment(at), brick, source === "simulated" ? "simulated" : null].filter(Boolean).join(", ");
  sheet.append(
    h(
      "section",
      { class: "card", "aria-label": `Session ${session ?? "unknown"}` },
      h(
        "h2",
        { class: "session" },
        colour === null ? null : swatch(colour),
        colourName ?? "Session",
        h("small", { class: "faint" }, said || "without a row in the manifest"),
      ),
      list,
    ),
  );
  return list;
}

function thumbnail({ file_name: name, angle_deg: angle, pose }) {
  const words = [angle === null ? null : `${Math.round(angle)}°`, pose ? `side ${pose + 1}` : null]
    .filter(Boolean)
    .join(", ");
  return h(
    "li",
    {},
    h(
      "a",
      { href: capturePicture(name), target: "_blank", rel: "noopener" },
      h("img", {
        src: capturePicture(name, 160),
        alt: words || name,
        width: 160,
        height: 120,
        loading: "lazy",
      }),
      h("small", { "aria-hidden": "true" }, words),
    ),
  );
}
