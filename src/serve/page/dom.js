// Elements, texts in two languages, and small helpers that every part of the page uses.

import { STRINGS } from "/static/strings.js";

const SVG = "http://www.w3.org/2000/svg";

/// Lines of the icons, drawn in a square of 24.
const ICONS = {
  upload: ["M12 16V4", "M7 9l5-5 5 5", "M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3"],
  file: ["M7 3h7l4 4v14H7z", "M14 3v4h4"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  back: ["M19 12H5", "M11 6l-6 6 6 6"],
  down: ["M12 4v12", "M7 11l5 5 5-5", "M5 20h14"],
  copy: ["M9 9h11v11H9z", "M5 15H4V4h11v1"],
  key: ["M8 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8", "M12 12h9v3M17 12v3"],
  sun: [
    "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8",
    "M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.400M17.6 17.600L19 19M5 19l1.4-1.400M17.6 6.400L19 5",
  ],
  moon: ["M20 14.500A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.500z"],
  queued: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18", "M12 7v5l3 2"],
  running: ["M20 12a8 8 0 1 1-8-8", "M12 4l4-2M12 4l3 3"],
  done: ["M5 13l4.5 4.500L19 7"],
  partial: ["M12 4L2.5 20h19z", "M12 10v4M12 17v.01"],
  failed: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18", "M9 9l6 6M15 9l-6 6"],
  canceled: ["M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18", "M6 6l12 12"],
  refresh: ["M20 11a8 8 0 1 0-2 6", "M20 4v7h-7"],
  trash: ["M5 7h14", "M9 7V4h6v3", "M7 7l1 13h8l1-13"],
};

/// What varies in the text of an element, so that it can be said again in another language.
const SAID = new WeakMap();
let language = "en";

/// Remembers something for later visits; storage may be forbidden.
export function remember(name, value) {
  try {
    localStorage.setItem(`docparse.${name}`, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export function remembered(name) {
  try {
    return localStorage.getItem(`docparse.${name}`);
  } catch {
    return null;
  }
}

export function currentLanguage() {
  return language;
}

/// The text of a key in the language of the page.
export function text(key, args = {}) {
  const table = [STRINGS[language], STRINGS.en].find((one) => Object.hasOwn(one, key));
  if (!table) return key;
  const entry = table[key];
  const values = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, typeof value === "function" ? value() : value]),
  );
  return typeof entry === "function" ? entry(values) : entry;
}

/// One of two names, English and Chinese; `fallback` where there is none.
export function pick(names, fallback) {
  return Array.isArray(names) ? names[language === "zh" ? 1 : 0] : fallback;
}

/// Gives an element a text that follows the language. `key` may be a function that makes the text.
export function say(element, key, args = {}) {
  return saying(element, "text", key, args);
}

/// As [`say`], for an attribute.
export function sayAttribute(element, attribute, key, args = {}) {
  return saying(element, attribute, key, args);
}

function saying(element, place, key, args) {
  const all = SAID.get(element) ?? {};
  all[place] = [key, args];
  SAID.set(element, all);
  element.dataset.said = "";
  sayAgain(element);
  return element;
}

function sayAgain(element) {
  for (const [place, [key, args]] of Object.entries(SAID.get(element) ?? {})) {
    const said = typeof key === "function" ? key() : text(key, args);
    if (place !== "text") element.setAttribute(place, said);
    else if (element.textContent !== said) element.textContent = said;
  }
}

/// Takes the texts named in the HTML: `data-t` for the text, `data-t-label` and such for attributes.
export function adopt(root) {
  for (const element of root.querySelectorAll("[data-t]")) say(element, element.dataset.t);
  for (const element of root.querySelectorAll("[data-t-label]")) {
    sayAttribute(element, "aria-label", element.dataset.tLabel);
  }
}

/// Sets the language of the page and says everything again.
export function speak(chosen) {
  language = chosen in STRINGS ? chosen : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-said]")) sayAgain(element);
  document.dispatchEvent(new CustomEvent("language"));
}

/// An element. `options`: `t` (key of its text) with `args`, `label` (key of its name) with `labelArgs`, `on` (listeners),
/// `class`, `data`, and attributes. Children are nodes or strings; strings are text.
export function el(name, options = {}, ...children) {
  const element = document.createElement(name);
  const { t, args, label, labelArgs, title, on, data, ...attributes } = options;
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(attribute, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(attribute, value);
  }
  for (const [key, value] of Object.entries(data ?? {})) element.dataset[key] = value;
  for (const [event, listener] of Object.entries(on ?? {})) element.addEventListener(event, listener);
  if (t) say(element, t, args);
  if (label) sayAttribute(element, "aria-label", label, labelArgs);
  if (title) sayAttribute(element, "title", title);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  const lines = ICONS[name].map((d) => svg("path", { d }));
  return svg("svg", { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, ...lines);
}

/// A button with an icon and a text.
export function button(iconName, t, listener, options = {}) {
  const { args, class: look = "", ...rest } = options;
  const parts = [iconName ? icon(iconName) : null, t ? el("span", { t, args }) : null];
  return el("button", { type: "button", class: `button ${look}`, on: { click: listener }, ...rest }, ...parts);
}

/// Tells people who listen to the page.
export function announce(key, args = {}) {
  const live = document.getElementById("live");
  if (live) live.textContent = text(key, args);
}

/// A short message at the bottom, which is also announced.
export function toast(key, args = {}) {
  const place = document.getElementById("toast");
  place.replaceChildren(el("p", { t: key, args }));
  place.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => {
    place.hidden = true;
  }, 5000);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[unit]}`;
}

export function time(rfc3339) {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/// Waits; rejects when the signal is aborted.
export function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/// Moves a focus that is in one of several elements with the arrow keys; only one of them is reached with Tab.
export function roving(container, selector, focusOn) {
  container.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...container.querySelectorAll(selector)];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    for (const one of all) one.setAttribute("tabindex", one === next ? "0" : "-1");
    next.focus();
    focusOn?.(next);
  });
}
