// Addresses in documents: which may be followed, and how they are shown.

import { el } from "/static/dom.js";

const SCHEMES = new Set(["http:", "https:", "mailto:"]);

/// A path as it is in Markdown, without its percent signs.
export function decoded(source) {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

/// A link that is shown with where it leads; without an allowed address only its text remains.
export function link(address, children) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    // A relative address leads nowhere here.
  }
  if (!url || !SCHEMES.has(url.protocol)) return [...children];
  const anchor = el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", class: "outward" });
  anchor.referrerPolicy = "no-referrer";
  anchor.append(...children);
  const place = url.protocol === "mailto:" ? url.pathname : url.host;
  if (!anchor.textContent.includes(place)) return [anchor, el("span", { class: "leads-to" }, ` (${place})`)];
  return [anchor];
}
