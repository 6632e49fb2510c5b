// Requests to the server: the key, errors in words, waiting and trying again, uploads, and streams.

import { sleep } from "/static/dom.js";

/// Tells the page about the connection: `unauthorized`, `lost`, `reached`, `key`.
export const signals = new EventTarget();
/// Longest line of a stream that is taken, in characters.
const LONGEST_LINE = 64 * 1024 * 1024;
/// Seconds that the page waits at most between two attempts.
const LONGEST_WAIT = 60;
/// Attempts without an answer after which the page gives up: what stops them may be the request itself.
const MOST_LOST = 8;

/// An answer of the server that is an error, or no answer (`status` 0).
export class ApiError extends Error {
  constructor(status, body, headers) {
    const error = body?.error ?? {};
    super(error.message || "");
    this.status = status;
    this.code = status === 0 ? "network" : error.code || codeOf(status);
    this.requestId = error.request_id ?? headers?.get("x-request-id") ?? null;
    this.page = error.page ?? null;
    this.limit = error.limit ?? null;
    // What a server that starts says of itself.
    this.detail = body?.detail ?? null;
    const wait = Number(headers?.get("retry-after"));
    this.retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  }
}

function codeOf(status) {
  const codes = { 400: "bad_request", 401: "unauthorized", 403: "not_allowed", 404: "not_found", 410: "gone" };
  return { ...codes, 413: "too_large", 422: "bad_settings", 429: "overloaded", 503: "not_ready" }[status] ?? "internal";
}

export function key() {
  try {
    return sessionStorage.getItem("docparse.key") ?? "";
  } catch {
    return key.kept ?? "";
  }
}

export function setKey(value) {
  key.kept = value;
  try {
    if (value) sessionStorage.setItem("docparse.key", value);
    else sessionStorage.removeItem("docparse.key");
  } catch {
    // The key then lasts as long as the page.
  }
  signals.dispatchEvent(new CustomEvent("key"));
}

function withKey(headers = {}) {
  const own = key();
  return own ? { ...headers, Authorization: `Bearer ${own}` } : headers;
}

function tell(name) {
  signals.dispatchEvent(new CustomEvent(name));
}

/// A request; rejects with [`ApiError`].
export async function request(path, { headers, ...options } = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: withKey(headers), credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    tell("lost");
    throw new ApiError(0, null, null);
  }
  tell("reached");
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  if (answer.status === 401) tell("unauthorized");
  throw new ApiError(answer.status, body, answer.headers);
}

export async function json(path, options) {
  return (await request(path, options)).json();
}

/// The address of an output, whose name may hold any character.
export function outputPath(job, name) {
  return `/v1/jobs/${encodeURIComponent(job)}/result/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/// `true` for errors that another attempt may not meet.
export function mayPass(error) {
  return error instanceof ApiError && [0, 429, 503].includes(error.status) && error.code !== "out_of_memory";
}

/// Repeats `attempt` while the server is busy, starting or out of reach; `onWait(error, seconds)` is called each second.
export async function patient(attempt, { signal, onWait }) {
  let lost = 0;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (error.status === 0) lost += 1;
      if (lost >= MOST_LOST) throw error;
      const wait = Math.min(error.retryAfter ?? Math.min(2 ** tries, 15), LONGEST_WAIT);
      for (let left = Math.ceil(wait); left > 0; left -= 1) {
        onWait?.(error, left);
        await sleep(1000, signal);
      }
    }
  }
}

/// Uploads a form with its progress; resolves with the job.
export function upload(form, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest();
    const stop = () => sender.abort();
    const aborted = () => reject(new DOMException("aborted", "AbortError"));
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener("abort", stop, { once: true });
    sender.open("POST", "/v1/jobs");
    for (const [name, value] of Object.entries(withKey({ Accept: "application/json" }))) {
      sender.setRequestHeader(name, value);
    }
    sender.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded, event.total);
    });
    sender.addEventListener("load", () => {
      tell("reached");
      let body = null;
      try {
        body = JSON.parse(sender.responseText);
      } catch {
        // An answer that is no JSON is an error below.
      }
      if (sender.status >= 200 && sender.status < 300 && body) {
        resolve(body);
        return;
      }
      if (sender.status === 401) tell("unauthorized");
      reject(new ApiError(sender.status || 500, body, { get: (name) => sender.getResponseHeader(name) }));
    });
    sender.addEventListener("error", () => {
      tell("lost");
      reject(new ApiError(0, null, null));
    });
    sender.addEventListener("abort", aborted);
    sender.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    sender.send(form);
  });
}

/// The lines of an answer as they come.
async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      if (rest.length > LONGEST_LINE) throw new ApiError(500, null, null);
      for (const part of parts) yield part.endsWith("\r") ? part.slice(0, -1) : part;
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    tell("lost");
    throw new ApiError(0, null, null);
  } finally {
    reader.cancel().catch(() => {});
  }
  if (rest) yield rest;
}

/// The objects of an answer of one JSON value a line.
export async function* values(path, signal) {
  const answer = await request(path, { signal, headers: { Accept: "application/x-ndjson" } });
  for await (const line of lines(answer)) {
    if (line.trim()) yield JSON.parse(line);
  }
}

/// Server-sent events, as `{event, data}`; ends when the server closes.
export async function* events(path, signal) {
  const answer = await request(path, { signal, headers: { Accept: "text/event-stream" } });
  let event = "message";
  let data = [];
  for await (const line of lines(answer)) {
    if (line === "") {
      if (data.length) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
}

/// Saves an output or the archive under its name. A link cannot send the key, so with one the bytes are fetched first.
export async function save(path, name) {
  const answer = await request(path);
  const address = URL.createObjectURL(new Blob([await answer.blob()], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
