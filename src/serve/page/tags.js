// The source of HTML, reduced to the tags and attributes that may be shown, before a parser sees it: a parser that meets a
// handler or a style reports a violation of the page's policy, though nothing of it would run.

/// Tags that are shown.
export const TAGS = new Set([
  ..."table thead tbody tfoot tr td th caption br sup sub b i em strong u s del div p code img".split(" "),
]);
const ATTRIBUTES = new Set("rowspan colspan src alt width".split(" "));
/// Elements whose content is dropped with them, as it is no text.
const CONTENTLESS = new Set("script style template noscript iframe object svg math title textarea select".split(" "));
// Names and bare values hold no `<`, so that a tag that does not end is given up where the next one begins.
const NAME = /<(\/?)([A-Za-z][^\s\/><]*)/y;
const ATTRIBUTE = /[\s\/]*([^\s=><"'\/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s><"']+)))?/y;
const END = /[\s\/]*>/y;

function at(pattern, text, place) {
  pattern.lastIndex = place;
  return pattern.exec(text);
}

/// The tag at a place: its name, whether it ends an element, its attributes, and where it ends; null if there is none.
export function tagAt(text, place) {
  const start = at(NAME, text, place);
  if (!start) return null;
  const attributes = {};
  let next = place + start[0].length;
  for (;;) {
    const end = at(END, text, next);
    if (end) return { name: start[2].toLowerCase(), isEnd: start[1] === "/", attributes, end: next + end[0].length };
    const one = at(ATTRIBUTE, text, next);
    if (!one) return null;
    next += one[0].length;
    const name = one[1].toLowerCase();
    if (ATTRIBUTES.has(name)) attributes[name] ??= one[2] ?? one[3] ?? one[4] ?? "";
  }
}

/// HTML with the tags and attributes of the lists alone; what looks like another tag is left out.
export function reduced(html) {
  let out = "";
  let place = 0;
  /// Searches that failed once fail until the end.
  const missing = new Set();
  while (place < html.length) {
    const open = html.indexOf("<", place);
    if (open < 0) break;
    out += html.slice(place, open);
    place = open + 1;
    if (html.startsWith("!--", place)) {
      const end = missing.has("-->") ? -1 : html.indexOf("-->", place);
      if (end < 0) missing.add("-->");
      place = end < 0 ? place : end + 3;
      continue;
    }
    const tag = tagAt(html, open);
    if (!tag) {
      out += "&lt;";
      continue;
    }
    place = tag.end;
    if (TAGS.has(tag.name)) out += written(tag);
    else if (CONTENTLESS.has(tag.name) && !tag.isEnd && !missing.has(tag.name)) {
      const end = html.slice(place).search(new RegExp(`</${tag.name}\\b`, "i"));
      if (end < 0) missing.add(tag.name);
      else place += end;
    }
  }
  return out + html.slice(place);
}

function written({ name, isEnd, attributes }) {
  if (isEnd) return `</${name}>`;
  const all = Object.entries(attributes).map(
    ([attribute, value]) => ` ${attribute}="${value.replaceAll('"', "&quot;")}"`,
  );
  return `<${name}${all.join("")}>`;
}
