// The text of a paragraph: emphasis, links, pictures, code, formulas, footnote marks and a few tags, as fresh nodes.

import { formula } from "/static/formula.js";
import { decoded, link } from "/static/addresses.js";
import { el, sayAttribute } from "/static/dom.js";
import { tagAt } from "/static/tags.js";

/// Marks of emphasis in a paragraph beyond which all are text; they nest, and are looked at in pairs.
const MOST_MARKS = 600;
/// Brackets and tags that a paragraph opens at most.
const MOST_OPEN = 2000;
/// Tags that may stand in a paragraph.
const TAGS = new Set("sup sub b i em strong u s del code".split(" "));
const PUNCTUATION = /[\p{P}\p{S}]/u;
const SPACE = /\s/u;
/// Characters that mean something; a run of others is text.
const PLAIN = /[^\\`$!\[\]<&*_~\n]+/y;
const TAG = /<(\/?)([A-Za-z]+)\s*\/?>/y;
const COMMENT = /<!--[\s\S]*?-->/y;
const AUTOLINK = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/iy;
const ENTITY = /&(?:#[xX][0-9A-Fa-f]{1,6}|#\d{1,7}|[A-Za-z][A-Za-z0-9]{1,31});/y;
const NOTE = /\[\^([^\]\s]{1,200})\]/y;

/// Nodes for the text of a paragraph. `context` has `picture(source, alt, width)` and `note(label)`.
export function inline(text, context) {
  const scanner = new Scanner(text, context);
  scanner.run();
  const out = document.createDocumentFragment();
  out.append(...scanner.settle(0));
  return out;
}

/// The characters that an entity means. The document it is parsed in is inert, and holds one entity only.
export function entity(text) {
  return new DOMParser().parseFromString(text, "text/html").documentElement.textContent;
}

class Scanner {
  constructor(text, context) {
    this.text = text;
    this.context = context;
    this.at = 0;
    this.plain = "";
    /// Nodes, and what is not decided yet: marks of emphasis, open brackets, open tags.
    this.items = [];
    this.marks = 0;
    this.opened = 0;
    this.brackets = 0;
    /// Lengths of runs of backticks, and of dollars, that have no end in the text.
    this.endless = new Set();
  }

  run() {
    const { text } = this;
    while (this.at < text.length) {
      const run = this.match(PLAIN);
      if (run) {
        this.plain += run[0];
        continue;
      }
      const c = text[this.at];
      const handled =
        (c === "\\" && this.escape()) ||
        (c === "`" && this.code()) ||
        (c === "$" && this.math()) ||
        (c === "\n" && this.lineEnd()) ||
        (c === "&" && this.reference()) ||
        (c === "<" && this.tag()) ||
        ((c === "[" || c === "!") && this.open()) ||
        (c === "]" && this.close()) ||
        ((c === "*" || c === "_" || c === "~") && this.emphasis());
      if (!handled) {
        this.plain += c;
        this.at += 1;
      }
    }
    this.flush();
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  flush() {
    if (this.plain) this.items.push({ node: document.createTextNode(this.plain) });
    this.plain = "";
  }

  push(...nodes) {
    this.flush();
    for (const node of nodes) this.items.push({ node });
    return true;
  }

  escape() {
    const next = this.text[this.at + 1];
    if (next === "\n") {
      this.at += 2;
      return this.push(document.createElement("br"));
    }
    if (!next || !/[!-\/:-@\[-`{-~]/.test(next)) return false;
    this.plain += next;
    this.at += 2;
    return true;
  }

  code() {
    const [ticks] = this.match(/`+/y);
    if (!this.endless.has(ticks.length)) {
      const end = this.endOfRun(ticks, this.at);
      if (end >= 0) {
        let inner = this.text.slice(this.at, end).replaceAll("\n", " ");
        if (/^ .*[^ ].* $|^ [^ ] $/.test(inner)) inner = inner.slice(1, -1);
        this.at = end + ticks.length;
        return this.push(el("code", {}, inner));
      }
      this.endless.add(ticks.length);
    }
    this.plain += ticks;
    return true;
  }

  endOfRun(ticks, from) {
    for (let end = this.text.indexOf(ticks, from); end >= 0; end = this.text.indexOf(ticks, end)) {
      let after = end;
      while (this.text[after] === "`") after += 1;
      if (after - end === ticks.length && this.text[end - 1] !== "`") return end;
      end = after;
    }
    return -1;
  }

  math() {
    const fence = this.text.startsWith("$$", this.at) ? "$$" : "$";
    const start = this.at + fence.length;
    if (this.endless.has(fence)) return false;
    let end = start;
    while (end < this.text.length && !this.text.startsWith(fence, end)) end += this.text[end] === "\\" ? 2 : 1;
    if (end >= this.text.length) {
      this.endless.add(fence);
      return false;
    }
    let inner = this.text.slice(start, end);
    if (/^`.*`$/s.test(inner)) inner = inner.slice(1, -1);
    const tight = inner.trim() === inner;
    const isFormula = fence === "$$" || (tight && !/\d/.test(this.text[end + 1] ?? "")) || /[\\^_]/.test(inner);
    if (!inner.trim() || !isFormula) return false;
    this.at = end + fence.length;
    return this.push(formula(inner.trim(), fence === "$$"));
  }

  lineEnd() {
    this.at += 1;
    const isHard = / {2,}$/.test(this.plain);
    this.plain = this.plain.replace(/ +$/, "");
    if (isHard) return this.push(document.createElement("br"));
    this.plain += "\n";
    return true;
  }

  reference() {
    const found = this.match(ENTITY);
    if (!found) return false;
    this.plain += entity(found[0]);
    return true;
  }

  tag() {
    if (this.match(COMMENT)) return true;
    const address = this.match(AUTOLINK);
    if (address) return this.push(...link(address[1], [document.createTextNode(address[1])]));
    const picture = /^<img\s/i.test(this.text.slice(this.at, this.at + 5)) && tagAt(this.text, this.at);
    if (picture) {
      this.at = picture.end;
      const { src = "", alt = "" } = picture.attributes;
      return this.push(this.context.picture(decoded(src), alt.replace(/&[#\w]+;/g, entity), null));
    }
    const found = this.match(TAG);
    if (!found) return false;
    const name = found[2].toLowerCase();
    if (name === "br") return this.push(document.createElement("br"));
    if (!TAGS.has(name)) {
      this.at -= found[0].length;
      return false;
    }
    this.opened += 1;
    if (this.opened > MOST_OPEN) {
      this.plain += found[0];
      return true;
    }
    this.flush();
    if (!found[1]) {
      this.items.push({ open: name, source: found[0] });
      return true;
    }
    const opener = this.items.findLastIndex((item) => item.open === name);
    if (opener < 0) {
      this.plain += found[0];
      return true;
    }
    const element = document.createElement(name);
    element.append(...this.settle(opener + 1));
    this.items.length = opener;
    this.items.push({ node: element });
    return true;
  }

  open() {
    const isPicture = this.text[this.at] === "!";
    if (isPicture && this.text[this.at + 1] !== "[") return false;
    if (!isPicture) {
      const note = this.match(NOTE);
      if (note) return this.push(this.context.note(note[1]));
    }
    this.opened += 1;
    if (this.opened > MOST_OPEN) return false;
    this.flush();
    this.brackets += 1;
    const source = isPicture ? "![" : "[";
    this.at += source.length;
    this.items.push({ bracket: true, isPicture, source, after: this.at });
    return true;
  }

  close() {
    if (this.brackets === 0) return false;
    this.flush();
    const opener = this.items.findLastIndex((item) => item.bracket);
    // Brackets inside of a tag were settled with it.
    if (opener < 0) return false;
    this.brackets -= 1;
    const bracket = this.items[opener];
    const destination = /\]\(\s*(?:<([^<>\n]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
    const found = bracket.isDead ? null : this.match(destination);
    if (!found) {
      this.items[opener] = { node: document.createTextNode(bracket.source) };
      return false;
    }
    const address = (found[1] ?? found[2]).replace(/\\([!-\/:-@\[-`{-~])/g, "$1").replace(/&[#\w]+;/g, entity);
    const inside = this.settle(opener + 1);
    this.items.length = opener;
    if (bracket.isPicture) {
      const alt = inside.map((node) => node.textContent).join("");
      return this.push(this.context.picture(decoded(address), alt, null));
    }
    // A link has no links inside.
    for (const item of this.items) if (item.bracket && !item.isPicture) item.isDead = true;
    return this.push(...link(address, inside));
  }

  emphasis() {
    const [run] = this.match(/\*+|_+|~+/y);
    const before = this.text[this.at - run.length - 1] ?? " ";
    const after = this.text[this.at] ?? " ";
    const mark = run[0];
    this.marks += 1;
    if (this.marks > MOST_MARKS || (mark === "~" && run.length !== 2)) {
      this.plain += run;
      return true;
    }
    const isLeft = !SPACE.test(after) && (!PUNCTUATION.test(after) || SPACE.test(before) || PUNCTUATION.test(before));
    const isRight = !SPACE.test(before) && (!PUNCTUATION.test(before) || SPACE.test(after) || PUNCTUATION.test(after));
    const inWord = mark === "_";
    const canOpen = isLeft && (!inWord || !isRight || PUNCTUATION.test(before));
    const canClose = isRight && (!inWord || !isLeft || PUNCTUATION.test(after));
    this.flush();
    this.items.push({ mark, count: run.length, length: run.length, canOpen, canClose });
    return true;
  }

  /// The nodes of the items from `start` on, with their marks paired.
  settle(start) {
    this.flush();
    const items = this.items.slice(start);
    for (let closer = 0; closer < items.length; closer += 1) {
      const end = items[closer];
      while (end.mark && end.canClose && end.count > 0) {
        const opener = findOpener(items, closer);
        if (opener < 0) break;
        const begin = items[opener];
        const used = end.mark === "~" || (begin.count >= 2 && end.count >= 2) ? 2 : 1;
        const element = document.createElement(end.mark === "~" ? "del" : used === 2 ? "strong" : "em");
        element.append(...items.slice(opener + 1, closer).flatMap(nodesOf));
        begin.count -= used;
        end.count -= used;
        items.splice(opener + 1, closer - opener - 1, { node: element });
        closer = opener + 2;
      }
    }
    return items.flatMap(nodesOf);
  }
}

function findOpener(items, closer) {
  const end = items[closer];
  for (let at = closer - 1; at >= 0; at -= 1) {
    const item = items[at];
    if (item.mark !== end.mark || !item.canOpen || item.count === 0) continue;
    if (end.mark === "~" && (item.count < 2 || end.count < 2)) continue;
    const isOdd = (item.canClose || end.canOpen) && (item.length + end.length) % 3 === 0;
    if (isOdd && (item.length % 3 !== 0 || end.length % 3 !== 0)) continue;
    return at;
  }
  return -1;
}

function nodesOf(item) {
  if (item.node) return [item.node];
  if (item.mark) return item.count > 0 ? [document.createTextNode(item.mark.repeat(item.count))] : [];
  return [document.createTextNode(item.source)];
}

/// The mark of a footnote: a button that goes to its text.
export function noteMark(label, onGo) {
  const button = el("button", { type: "button", class: "note-mark", on: { click: onGo } }, label);
  sayAttribute(button, "aria-label", "note_to", { label });
  return el("sup", {}, button);
}
