// Asks the daemon, and turns its problem documents into errors with a hint.

const API = "/api/v1";
const MOST_KEPT_ALIVE = 4096;

/** What went wrong, as the daemon says it; `status` is 0 where nobody answered. */
export class Problem extends Error {
  constructor(document, status) {
    super(document.detail || document.title || "That did not work");
    this.status = status;
    this.hint = document.hint || "";
    this.notes = document.notes || [];
    this.errors = document.errors || [];
    this.kind = String(document.type || "")
      .split("/")
      .pop();
  }
}

const unreachable = {
  detail: "The rig's computer does not answer",
  hint: "see that it is on and in the same network",
};
let signedOut = () => {};

/** Have something called whenever the daemon wants a token. */
export function onSignedOut(call) {
  signedOut = call;
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}, options) => ask("POST", path, body, options);
export const put = (path, body) => ask("PUT", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path) => ask("DELETE", path);

/** The address of something, with a query of what is neither null nor empty. */
export function address(path, query = {}) {
  const said = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  const text = new URLSearchParams(said).toString();
  return `${API}${path}${text ? `?${text}` : ""}`;
}

/** The address of a picture of the dataset, such as "3001/a.jpg". */
export const capturePicture = (fileName, widthPx) =>
  address(`/captures/${steps(fileName)}`, { width_px: widthPx });

/** The address of a picture of the ledger. */
export const ledgerPicture = (path, widthPx) =>
  address(`/ledger/pictures/${steps(path)}`, { width_px: widthPx });

/** The address of what a kind of calibration drew, which is another one each time. */
export const drawing = ({ kind, drawn_at: at }, widthPx) =>
  address(`/calibration/${kind}/drawing.png`, { width_px: widthPx, at });

const steps = (path) => path.split("/").map(encodeURIComponent).join("/");

/** Send a text and get what comes back as a file: name and Blob. */
export async function fetchFile(path, text) {
  const answer = await sent("POST", address(path), { "Content-Type": "text/plain" }, text);
  const named = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") || "");
  return { name: named ? named[1] : "list", content: await answer.blob() };
}

async function ask(method, path, body, { query, text, signal, timeoutS } = {}) {
  const headers = {};
  let content;
  if (text !== undefined) {
    headers["Content-Type"] = "text/plain";
    content = text;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    content = JSON.stringify(body);
  }
  const answer = await sent(method, address(path, query), headers, content, signal, timeoutS);
  return answer.status === 204 ? null : answer.json();
}

async function sent(method, url, headers, body, signal, timeoutS = 60) {
  const limits = [AbortSignal.timeout(timeoutS * 1000), signal].filter(Boolean);
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body,
      signal: AbortSignal.any(limits),
      // A stop gets through though its page is left in the next moment; browsers do so for short requests.
      keepalive: method === "POST" && (body?.length ?? 0) <= MOST_KEPT_ALIVE,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(unreachable, 0);
  }
  if (answer.ok) return answer;
  const document = await answer.json().catch(() => ({ detail: `The daemon answered ${answer.status}` }));
  if (answer.status === 401 && !url.endsWith("/login")) signedOut();
  throw new Problem(document, answer.status);
}
