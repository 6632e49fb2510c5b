// Which part of a page's text came from which of its blocks. The Markdown has no marks of blocks, so texts are compared.

const PICTURES = new Set("image chart seal header_image footer_image display_formula formula figure".split(" "));
/// Characters at the start of a text that are enough to tell it.
const TELLING = 48;
/// Pixels by which a box and the name of its picture may differ.
const CLOSE = 2;

/// Pairs the parts of `prose` with blocks: `{ parts, blocksOf: Map(part, ids), partsOf: Map(id, parts) }`.
export function pair(prose, blocks) {
  const parts = partsIn(prose);
  const texts = parts.map(textOf);
  const known = blocks.map((block) => ({ block, text: comparable(contentText(block.block_content)), used: false }));
  const blocksOf = new Map();
  const partsOf = new Map();
  const join = (at, entry) => {
    entry.used = true;
    blocksOf.set(parts[at], [...(blocksOf.get(parts[at]) ?? []), entry.block.block_id]);
    partsOf.set(entry.block.block_id, [...(partsOf.get(entry.block.block_id) ?? []), parts[at]]);
  };
  const isOpen = (at) => !blocksOf.has(parts[at]);

  parts.forEach((part, at) => {
    const entry = known.find((one) => !one.used && isPictureOf(part, one.block));
    if (entry) join(at, entry);
  });
  const rounds = [
    (text, entry) => !entry.used && entry.text === text,
    (text, entry) => !entry.used && entry.text.slice(0, TELLING) === text.slice(0, TELLING),
    // Several parts of one block, such as the items of a list.
    (text, entry) => text.length > 2 && entry.text.includes(text),
    (text, entry) => !entry.used && entry.text.length > 2 && text.includes(entry.text),
  ];
  for (const fits of rounds) {
    texts.forEach((text, at) => {
      const entry = text && isOpen(at) ? known.find((one) => one.text && fits(text, one)) : null;
      if (entry) join(at, entry);
    });
  }
  // Several blocks of one part, such as a paragraph that goes on in the next column.
  for (const entry of known) {
    if (entry.used || entry.text.length < 8) continue;
    const at = texts.findIndex((text) => text.includes(entry.text));
    if (at >= 0) join(at, entry);
  }
  byOrder(
    parts.filter((part) => part.querySelector("table") || part.localName === "table"),
    "table",
  );
  byOrder(
    parts.filter((part) => part.querySelector(".display-formula")),
    "formula",
  );
  return { parts, blocksOf, partsOf };

  /// What is left of a kind belongs together in order, if there is as much of it on both sides.
  function byOrder(some, kind) {
    const open = some.filter((part) => !blocksOf.has(part));
    const left = known.filter((entry) => !entry.used && entry.block.block_label.includes(kind));
    if (open.length === left.length) open.forEach((part, index) => join(parts.indexOf(part), left[index]));
  }
}

/// The parts that are pointed at: blocks of Markdown, and the items of its lists.
function partsIn(prose) {
  return [...prose.children].flatMap((child) => (/^[ou]l$/.test(child.localName) ? [...child.children] : [child]));
}

function textOf(part) {
  const copy = part.cloneNode(true);
  for (const other of copy.querySelectorAll(".formula, .leads-to, .picture, .note-mark")) other.remove();
  return comparable(copy.textContent);
}

function contentText(content) {
  return (content ?? "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\$\$?[^$]+\$\$?/g, " ")
    .replace(/&lt;|&gt;|&amp;|&quot;/g, " ");
}

/// Letters and digits alone.
function comparable(text) {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "");
}

function isPictureOf(part, block) {
  if (!PICTURES.has(block.block_label)) return false;
  const picture = part.querySelector(".picture");
  const numbers = /_(\d+)_(\d+)_(\d+)_(\d+)\.\w+$/.exec(picture?.dataset.source ?? "");
  if (!numbers) return false;
  return block.block_bbox.every((side, index) => Math.abs(side - Number(numbers[index + 1])) <= CLOSE);
}
