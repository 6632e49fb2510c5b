// HTML inside Markdown, copied into fresh elements: only the tags and attributes of a list, never a style, handler or address.

import { decoded } from "/static/addresses.js";
import { inlineMath } from "/static/formula.js";
import { TAGS, reduced } from "/static/tags.js";

/// Deeper elements lose their tags.
const DEEPEST = 40;
/// Rows or columns that a cell may span.
const MOST_SPANNED = 1000;

/// Nodes for a piece of HTML. The parsed document is inert: nothing in it runs or is loaded.
export function safeHtml(html, context) {
  const parsed = new DOMParser().parseFromString(reduced(html), "text/html");
  const out = document.createDocumentFragment();
  copyChildren(parsed.body, out, context, 0);
  return out;
}

function copyChildren(from, to, context, depth) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(inlineMath(node.data));
    else if (node.nodeType === Node.ELEMENT_NODE) copyElement(node, to, context, depth);
  }
}

function copyElement(from, to, context, depth) {
  const name = from.localName;
  if (name === "img") {
    const width = /^(\d{1,4})(px|%)?$/.exec(from.getAttribute("width") ?? "");
    const source = from.getAttribute("src") ?? "";
    to.append(
      context.picture(decoded(source), from.getAttribute("alt") ?? "", width && [Number(width[1]), width[2] ?? "px"]),
    );
    return;
  }
  if (!TAGS.has(name) || depth > DEEPEST) {
    copyChildren(from, to, context, depth + 1);
    return;
  }
  const fresh = document.createElement(name);
  if (name === "td" || name === "th") {
    for (const attribute of ["rowspan", "colspan"]) {
      const spanned = from.getAttribute(attribute);
      if (/^\d{1,9}$/.test(spanned ?? "")) {
        fresh.setAttribute(attribute, String(Math.min(Number(spanned), MOST_SPANNED)));
      }
    }
    if (name === "th" && from.closest("tr")?.querySelector("td")) fresh.setAttribute("scope", "row");
  }
  copyChildren(from, fresh, context, depth + 1);
  if (name !== "table") {
    to.append(fresh);
    return;
  }
  // Wide tables are moved sideways on their own.
  const frame = document.createElement("div");
  frame.className = "table-frame";
  frame.append(fresh);
  to.append(frame);
}
