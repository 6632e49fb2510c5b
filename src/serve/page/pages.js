// One page of a document: its picture with the boxes of its blocks, beside its text.

import { LABELS } from "/static/strings.js";
import { el, icon, pick, roving, say, sayAttribute, svg, text } from "/static/dom.js";
import { markdown } from "/static/markdown.js";
import { pair } from "/static/pairs.js";

/// Groups of labels that share a look.
const KINDS = {
  title: ["doc_title", "paragraph_title"],
  table: ["table"],
  picture: ["image", "chart", "seal", "header_image", "footer_image"],
  formula: ["display_formula", "inline_formula", "formula", "formula_number"],
  caption: ["figure_title", "vision_footnote", "footnote"],
  margin: ["header", "footer", "number", "aside_text"],
};
const KIND_OF = Object.fromEntries(Object.entries(KINDS).flatMap(([kind, all]) => all.map((label) => [label, kind])));
/// Characters of a block's text that its name holds.
const NAME_LENGTH = 120;

export function labelName(label) {
  return pick(Object.hasOwn(LABELS, label) && LABELS[label], label);
}

function kindOf(label) {
  return Object.hasOwn(KIND_OF, label) ? KIND_OF[label] : "text";
}

/// Words about a block: its label, its place in the reading order, and how sure its recognition is.
function facts(block) {
  const order = block.block_order;
  const score = block.score;
  return [
    labelName(block.block_label),
    order === null || order === undefined ? text("block_no_order") : text("block_order", { order }),
    typeof score === "number" ? text("block_score", { score: Math.round(score * 100) }) : text("block_no_score"),
  ];
}

export class PageView {
  /// `sources` has `picture(source, alt, width)` for pictures in the text, and `page(number)` for a promise of the address of
  /// the page's own picture, or null.
  constructor(number, sources) {
    this.number = number;
    this.sources = sources;
    this.line = null;
    this.isShown = false;
    this.isStale = true;
    this.picture = el("img", { class: "sheet-picture", alt: "" });
    sayAttribute(this.picture, "alt", "page_picture", { n: number });
    this.picture.hidden = true;
    this.sheet = el("div", { class: "sheet" }, this.picture);
    this.facts = el("p", { class: "facts" });
    this.prose = el("div", { class: "prose", role: "group", label: "page_text", labelArgs: { n: number } });
    this.badge = el("span", { class: "provisional", t: "provisional", title: "provisional_hint" });
    this.problems = el("ul", { class: "page-problems" });
    this.element = el(
      "section",
      { class: "page", label: "page_n", labelArgs: { n: number }, tabindex: "-1" },
      el("header", { class: "page-head" }, el("h3", { t: "page_n", args: { n: number } }), this.badge),
      this.problems,
      el("div", { class: "page-body" }, el("div", { class: "sheet-column" }, this.sheet, this.facts), this.prose),
    );
    this.element.pageView = this;
    this.listen();
  }

  /// Takes a new state of the page.
  update(line) {
    this.line = line;
    this.isStale = true;
    this.badge.hidden = !line.provisional;
    // Through the CSSOM: the page's policy forbids style attributes.
    const ratio = Math.min(Math.max((line.width || 1) / (line.height || 1), 0.05), 20);
    this.sheet.style.setProperty("--ratio", String(ratio));
    if (this.isShown) this.show();
  }

  /// Messages about the page that keep their words.
  setProblems(messages) {
    this.problems.replaceChildren(...messages.map((message) => el("li", {}, icon("partial"), el("span", {}, message))));
  }

  /// Draws the page if that was not done; called when it comes near the window.
  show() {
    this.isShown = true;
    if (this.isStale && this.line) this.draw();
    this.showPicture();
  }

  /// Lets go of the picture of a page that is far away.
  hide() {
    this.isShown = false;
    if (this.picture.hidden) return;
    this.picture.hidden = true;
    this.picture.removeAttribute("src");
    this.sources.releasePage(this.number);
  }

  async showPicture() {
    if (!this.picture.hidden) return;
    const address = await this.sources.page(this.number);
    if (!address || !this.isShown) return;
    this.picture.src = address;
    this.picture.hidden = false;
  }

  draw() {
    this.isStale = false;
    const { line } = this;
    this.blocks = line.blocks ?? [];
    this.prose.replaceChildren(markdown(line.markdown ?? "", { picture: (...of) => this.sources.picture(...of) }));
    if (!this.prose.childNodes.length) this.prose.append(el("p", { class: "quiet-text", t: "page_empty" }));
    const { parts, blocksOf, partsOf } = pair(this.prose, this.blocks);
    this.blocksOf = blocksOf;
    this.partsOf = partsOf;
    const paired = parts.filter((part) => blocksOf.has(part));
    paired.forEach((part, index) => {
      part.classList.add("part");
      part.tabIndex = index === 0 ? 0 : -1;
    });
    this.sheet.querySelector("svg")?.remove();
    this.boxes = new Map();
    this.sheet.append(this.drawBoxes());
    this.mark([]);
  }

  drawBoxes() {
    const { width, height } = this.line;
    const unit = Math.max(width, height) / 90;
    const inOrder = [...this.blocks].sort((a, b) => (a.block_order ?? Infinity) - (b.block_order ?? Infinity));
    const groups = inOrder.map((block, index) => {
      const [left, top, right, bottom] = block.block_bbox;
      const group = svg("g", {
        class: `box box-${kindOf(block.block_label)}`,
        tabindex: index === 0 ? "0" : "-1",
        role: "img",
      });
      const content = (block.block_content ?? "")
        .replace(/<[^>]*>/g, " ")
        .replace(/\s+/g, " ")
        .trim();
      sayAttribute(group, "aria-label", () => `${facts(block).join(", ")}: ${content.slice(0, NAME_LENGTH)}`);
      group.append(
        svg("rect", {
          x: left,
          y: top,
          width: Math.max(right - left, 1),
          height: Math.max(bottom - top, 1),
          rx: unit / 5,
        }),
      );
      if (block.block_order !== null && block.block_order !== undefined) {
        const digits = String(block.block_order).length;
        const badgeWidth = unit * (0.7 * digits + 0.7);
        // Before the box where there is room, as it would hide the first letters inside.
        const x = Math.max(left - badgeWidth - unit * 0.15, 0);
        group.append(
          svg("rect", { class: "order", x, y: top, width: badgeWidth, height: unit * 1.5, rx: unit / 4 }),
          svg(
            "text",
            { x: x + badgeWidth / 2, y: top + unit * 1.13, "font-size": unit * 1.1, "text-anchor": "middle" },
            String(block.block_order),
          ),
        );
      }
      group.block = block;
      this.boxes.set(block.block_id, group);
      return group;
    });
    const drawing = svg(
      "svg",
      { class: "boxes", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "group" },
      ...groups,
    );
    return sayAttribute(drawing, "aria-label", "page_boxes", { n: this.number });
  }

  listen() {
    const boxOf = (event) => event.target.closest?.(".box");
    const partOf = (event) => event.target.closest?.(".part");
    for (const kind of ["pointerover", "focusin"]) {
      this.sheet.addEventListener(kind, (event) => {
        const box = boxOf(event);
        if (box) this.mark([box.block.block_id], kind === "focusin");
      });
      this.prose.addEventListener(kind, (event) => {
        const part = partOf(event);
        if (part) this.mark(this.blocksOf?.get(part) ?? [], false);
      });
    }
    for (const place of [this.sheet, this.prose]) {
      place.addEventListener("pointerleave", () => this.markFocused());
      place.addEventListener("focusout", () => this.mark([]));
    }
    this.sheet.addEventListener("click", (event) => {
      const box = boxOf(event);
      if (!box) return;
      box.focus({ preventScroll: true });
      this.partsOf.get(box.block.block_id)?.[0]?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
    roving(this.sheet, ".box");
    roving(this.prose, ".part");
  }

  /// After the pointer left, what has the focus is marked again.
  markFocused() {
    const focused = document.activeElement;
    if (focused?.block && this.sheet.contains(focused)) this.mark([focused.block.block_id]);
    else if (this.prose.contains(focused)) this.mark(this.blocksOf?.get(focused.closest(".part")) ?? []);
    else this.mark([]);
  }

  /// Marks blocks and their texts.
  mark(ids, scrolls = false) {
    for (const marked of this.element.querySelectorAll(".is-marked")) marked.classList.remove("is-marked");
    for (const id of ids) {
      this.boxes?.get(id)?.classList.add("is-marked");
      for (const part of this.partsOf?.get(id) ?? []) part.classList.add("is-marked");
    }
    if (scrolls) this.partsOf?.get(ids[0])?.[0]?.scrollIntoView({ block: "nearest" });
    const block = this.boxes?.get(ids[0])?.block;
    if (!block) {
      say(this.facts, "block_hint");
      this.facts.classList.add("quiet-text");
      return;
    }
    this.facts.classList.remove("quiet-text");
    const leftOut = this.partsOf.has(block.block_id) ? [] : [text("block_left_out")];
    say(this.facts, () => [...facts(block), ...leftOut].join(" · "));
  }
}
