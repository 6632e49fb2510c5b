// Markdown as docparse writes it, as fresh nodes. Nothing of a document becomes an attribute but spans of cells,
// the addresses of links that were checked, and pictures that the job itself has.

import { el } from "/static/dom.js";
import { formula } from "/static/formula.js";
import { inline, noteMark } from "/static/inline.js";
import { safeHtml } from "/static/safe_html.js";

/// Lists and quotes nest at most so deep; what is deeper is text.
const DEEPEST = 24;
/// Heading levels of the page itself, above those of a document.
const OUTER_LEVELS = 3;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const NOTE = /^ {0,3}\[\^([^\]\s]{1,200})\]:[ \t]*(.*)$/;
const HTML_START = /^ {0,3}<(?:\/?(?:table|thead|tbody|tfoot|tr|td|th|div|p|center|html|body)\b|img\s|!--)/i;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/// Nodes for Markdown. `options.picture(source, alt, width)` makes a node for a picture.
export function markdown(text, { picture }) {
  const out = document.createDocumentFragment();
  for (const part of markdownParts(text, { picture })) out.append(part);
  return out;
}

/// As [`markdown`], one block after another, so that a long document can be shown bit by bit.
export function* markdownParts(text, { picture }) {
  const notes = new Map();
  const context = {
    picture,
    notes,
    note: (label) =>
      noteMark(label, () => {
        const target = notes.get(label);
        target?.scrollIntoView({ block: "center", behavior: "smooth" });
        target?.focus({ preventScroll: true });
      }),
  };
  let lines = text.replace(/\r\n?/g, "\n").split("\n");
  if (lines[0] === "---") {
    const end = lines.indexOf("---", 1);
    if (end > 0) {
      yield el("pre", { class: "front-matter" }, lines.slice(1, end).join("\n"));
      lines = lines.slice(end + 1);
    }
  }
  yield* blocks(lines, context, 0);
}

function* blocks(lines, context, depth) {
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const readers = [fence, mathBlock, heading, rule, note, quote, list, pipeTable, htmlBlock];
    let read = null;
    for (const reader of readers) {
      read = reader(lines, at, context, depth);
      if (read) break;
    }
    read ??= paragraph(lines, at, context);
    const [node, next] = read;
    if (node) yield node;
    at = next;
  }
}

function children(lines, context, depth) {
  return [...blocks(lines, context, depth + 1)];
}

function fence(lines, at) {
  const open = FENCE.exec(lines[at]);
  if (!open || (open[1][0] === "`" && open[2].includes("`"))) return null;
  let end = at + 1;
  const closes = (line) => {
    const close = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line);
    return close && close[1][0] === open[1][0] && close[1].length >= open[1].length;
  };
  while (end < lines.length && !closes(lines[end])) end += 1;
  return [el("pre", {}, el("code", {}, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function mathBlock(lines, at) {
  if (!lines[at].trimStart().startsWith("$$")) return null;
  let source = lines[at].trim().slice(2);
  let end = at;
  while (!source.trimEnd().endsWith("$$")) {
    end += 1;
    if (end >= lines.length || !lines[end].trim()) return null;
    source += `\n${lines[end]}`;
  }
  const inner = source.trimEnd().slice(0, -2);
  if (inner.includes("$$") || !inner.trim()) return null;
  return [el("p", { class: "display" }, formula(inner.trim(), true)), end + 1];
}

function heading(lines, at, context) {
  const found = HEADING.exec(lines[at]);
  if (!found) return null;
  const level = found[1].length;
  const shown = Math.min(level + OUTER_LEVELS, 6);
  const element = el(`h${shown}`, { class: `h${level}`, "aria-level": String(level + OUTER_LEVELS) });
  element.append(inline(found[2] ?? "", context));
  return [element, at + 1];
}

function rule(lines, at) {
  return RULE.test(lines[at]) ? [document.createElement("hr"), at + 1] : null;
}

function note(lines, at, context, depth) {
  const found = NOTE.exec(lines[at]);
  if (!found) return null;
  const [inner, end] = indented(lines, at, 4, found[2]);
  const element = el("div", { class: "note", tabindex: "-1" }, el("sup", {}, found[1]), " ");
  element.append(...(depth < DEEPEST ? children(inner, context, depth) : [inner.join("\n")]));
  if (!context.notes.has(found[1])) context.notes.set(found[1], element);
  return [element, end];
}

/// The lines of something whose first line has `first`, and whose others are indented by `width`; without their indents.
function indented(lines, at, width, first) {
  const inner = [first];
  const pad = " ".repeat(width);
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    if (!line.trim()) {
      let next = end + 1;
      while (next < lines.length && !lines[next].trim()) next += 1;
      if (next >= lines.length || !lines[next].startsWith(pad)) break;
      inner.push("");
    } else if (line.startsWith(pad)) {
      inner.push(line.slice(width));
    } else if (!lines[end - 1].trim() || startsBlock(line)) {
      break;
    } else {
      inner.push(line.trimStart());
    }
  }
  return [inner, end];
}

/// `true` for a line that ends a paragraph before it.
function startsBlock(line) {
  return (
    ITEM.test(line) || [HEADING, RULE, FENCE, NOTE, HTML_START].some((one) => one.test(line)) || /^ {0,3}>/.test(line)
  );
}

function quote(lines, at, context, depth) {
  if (!/^ {0,3}>/.test(lines[at]) || depth >= DEEPEST) return null;
  let end = at;
  const inner = [];
  while (end < lines.length && /^ {0,3}>/.test(lines[end])) {
    inner.push(lines[end].replace(/^ {0,3}> ?/, ""));
    end += 1;
  }
  return [el("blockquote", {}, ...children(inner, context, depth)), end];
}

function list(lines, at, context, depth) {
  const first = ITEM.exec(lines[at]);
  if (!first || depth >= DEEPEST) return null;
  const kind = first[2].at(-1);
  const isNumbered = /\d/.test(first[2]);
  const element = document.createElement(isNumbered ? "ol" : "ul");
  const start = parseInt(first[2], 10);
  if (isNumbered && start !== 1) element.start = start;
  let next = at;
  let isLoose = false;
  const items = [];
  while (next < lines.length) {
    let begin = next;
    while (begin < lines.length && !lines[begin].trim()) begin += 1;
    const found = ITEM.exec(lines[begin] ?? "");
    if (!found || found[2].at(-1) !== kind || RULE.test(lines[begin])) break;
    if (begin > next) isLoose = true;
    const blanks = found[3].length > 4 || found[3] === "" ? 1 : found[3].length;
    const width = found[1].length + found[2].length + blanks;
    const [inner, end] = indented(lines, begin, width, lines[begin].slice(width));
    if (isNumbered && parseInt(found[2], 10) !== start + items.length) inner.number = parseInt(found[2], 10);
    items.push(inner);
    next = end;
  }
  for (const inner of items) {
    const item = document.createElement("li");
    if (inner.number !== undefined) item.value = inner.number;
    for (const child of children(inner, context, depth)) {
      // Items of a tight list have no paragraphs.
      if (child.localName === "p" && !isLoose && !child.className) item.append(...child.childNodes, " ");
      else item.append(child);
    }
    element.append(item);
  }
  return [element, next];
}

/// The cells of a row between bars.
function cells(line) {
  const out = [];
  let cell = "";
  const trimmed = line.trim();
  for (let at = trimmed.startsWith("|") ? 1 : 0; at < trimmed.length; at += 1) {
    const c = trimmed[at];
    if (c === "\\" && at + 1 < trimmed.length) {
      cell += trimmed[at + 1] === "|" ? "|" : c + trimmed[at + 1];
      at += 1;
    } else if (c === "|") {
      out.push(cell.trim());
      cell = "";
    } else {
      cell += c;
    }
  }
  if (cell.trim()) out.push(cell.trim());
  return out;
}

function pipeTable(lines, at, context) {
  if (!lines[at].includes("|") || !DELIMITERS.test(lines[at + 1] ?? "")) return null;
  const head = cells(lines[at]);
  const sides = cells(lines[at + 1]).map((cell) => {
    const right = cell.endsWith(":");
    if (cell.startsWith(":")) return right ? "centre" : "left";
    return right ? "right" : null;
  });
  if (head.length !== sides.length) return null;
  const row = (texts, name) =>
    el(
      "tr",
      {},
      ...sides.map((side, column) => {
        const cell = el(name, { class: side, scope: name === "th" ? "col" : null });
        cell.append(inline(texts[column] ?? "", context));
        return cell;
      }),
    );
  const table = document.createElement("table");
  // A head without any text stands for none.
  if (head.some((cell) => cell)) table.append(el("thead", {}, row(head, "th")));
  const body = document.createElement("tbody");
  let end = at + 2;
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) {
    body.append(row(cells(lines[end]), "td"));
    end += 1;
  }
  table.append(body);
  return [el("div", { class: "table-frame" }, table), end];
}

function htmlBlock(lines, at, context) {
  if (!HTML_START.test(lines[at])) return null;
  let end = at;
  let open = 0;
  const inner = [];
  if (/^ {0,3}<!--/.test(lines[at])) {
    while (end < lines.length && !lines[end].includes("-->")) end += 1;
    const rest = (lines[end] ?? "").split("-->").slice(1).join("-->");
    return [rest.trim() ? htmlNode(rest, context) : null, end + 1];
  }
  // A block of HTML ends at a blank line; a table does not, until its own end.
  while (end < lines.length && (lines[end].trim() || open > 0)) {
    open += (lines[end].match(/<table\b/gi) ?? []).length - (lines[end].match(/<\/table\b/gi) ?? []).length;
    inner.push(lines[end]);
    end += 1;
  }
  return [htmlNode(inner.join("\n"), context), end];
}

function htmlNode(html, context) {
  const nodes = safeHtml(html, context);
  if (nodes.childNodes.length === 1 && nodes.firstElementChild) return nodes.firstElementChild;
  return el("div", {}, nodes);
}

function paragraph(lines, at, context) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !endsParagraph(lines, end)) end += 1;
  const element = document.createElement("p");
  const text = lines.slice(at, end).map((line) => line.trimStart());
  element.append(inline(text.join("\n").replace(/\s+$/, ""), context));
  return [element, end];
}

function endsParagraph(lines, at) {
  const line = lines[at];
  const item = ITEM.exec(line);
  // A number other than one, or an empty item, does not break into a paragraph.
  if (item) return line.trim() !== item[2] && (!/\d/.test(item[2]) || parseInt(item[2], 10) === 1);
  return startsBlock(line) || (line.includes("|") && DELIMITERS.test(lines[at + 1] ?? ""));
}
