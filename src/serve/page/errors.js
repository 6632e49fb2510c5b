// Errors in words.

import { STRINGS } from "/static/strings.js";
import { el, icon, text } from "/static/dom.js";

/// What an error code means, in the language of the page.
export function codeText(code) {
  const key = `code_${code}`;
  return Object.hasOwn(STRINGS.en, key) ? text(key) : code.replaceAll("_", " ");
}

/// A message about an error: what it means, what the server says, the limit it met, and the request to ask about.
export function errorBox(error) {
  const lines = [
    el(
      "p",
      { class: "error-title" },
      icon("failed"),
      el("strong", {}, codeText(error.reason ?? error.code ?? "internal")),
    ),
  ];
  const message = error.code === "network" ? text("network_text") : error.message;
  if (message) lines.push(el("p", {}, error.page ? text("error_page", { page: error.page, message }) : message));
  const small = [];
  if (error.limit?.flag) small.push(text("limit_said", { flag: error.limit.flag, value: error.limit.value }));
  if (error.status) small.push(text("status_said", { status: error.status }));
  if (error.requestId) small.push(text("request_id", { id: error.requestId }));
  if (small.length) lines.push(el("p", { class: "hint" }, small.join(" · ")));
  return el("div", { class: "error-box", role: "alert" }, ...lines);
}
