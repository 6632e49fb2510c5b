// Formulas: TeX as MathML where all of it is known, else its source as code.

import { el } from "/static/dom.js";
import { mathml } from "/static/tex.js";

/// A formula; its source is the element's title.
export function formula(source, isDisplay) {
  const math = mathml(source, isDisplay);
  const element = el("span", { class: isDisplay ? "formula display-formula" : "formula" });
  element.title = source;
  element.append(math ?? el("code", {}, source));
  return element;
}

/// Text in which only formulas count, as in cells of HTML. Dollars without TeX between them are money.
export function inlineMath(text) {
  const out = document.createDocumentFragment();
  let rest = 0;
  for (const found of text.matchAll(/\$([^$\n]*[\\^_{}][^$\n]*)\$/g)) {
    out.append(text.slice(rest, found.index), formula(found[1], false));
    rest = found.index + found[0].length;
  }
  out.append(text.slice(rest));
  return out;
}
