// The fields for formats, pages and settings, made from what the server says it takes.

import { FORMAT_NAMES, SETTING_NAMES, VALUE_NAMES } from "/static/strings.js";
import { el, pick, remember, remembered, say, text } from "/static/dom.js";

/// Settings with a field of their own, and their values.
const CHOICES = {
  text_layer: ["auto", "always", "never"],
  hidden_text: ["drop", "keep", "mark"],
  markdown_style: ["gfm", "html"],
  page_breaks: ["none", "comment", "rule"],
  front_matter: "boolean",
  embed_images: "boolean",
  merge_tables: "boolean",
  relevel_titles: "boolean",
  use_doc_orientation_classify: "boolean",
  use_doc_unwarping: "boolean",
  use_chart_recognition: "boolean",
  use_seal_recognition: "boolean",
  use_ocr_for_image_block: "boolean",
  password: "secret",
};
/// Formats that are chosen at first.
const FIRST_FORMATS = ["md", "json", "xlsx"];
/// The page itself needs these to show the document.
const NEEDED = ["page_images"];
const PAGES = /^\s*\d+\s*(-\s*\d*)?\s*(,\s*\d+\s*(-\s*\d*)?\s*)*$/;

export class Settings {
  constructor(place) {
    this.formats = el("div", { class: "checks" });
    this.pages = el("input", {
      id: "pages",
      type: "text",
      inputmode: "text",
      autocomplete: "off",
      "aria-describedby": "pages-hint",
    });
    this.error = el("p", { class: "field-error", role: "alert" });
    this.fields = el("div", { class: "fields" });
    this.other = el("textarea", { id: "other", rows: "3", spellcheck: "false", "aria-describedby": "other-hint" });
    this.otherHint = el("p", { id: "other-hint", class: "hint" });
    const formats = el("fieldset", { class: "formats" }, el("legend", { t: "formats" }), this.formats);
    const pages = el(
      "div",
      { class: "field pages-field" },
      el("label", { for: "pages", t: "pages" }),
      this.pages,
      el("p", { id: "pages-hint", class: "hint", t: "pages_hint" }),
    );
    const other = el(
      "div",
      { class: "field wide" },
      el("label", { for: "other", t: "other_settings" }),
      this.other,
      this.otherHint,
    );
    this.more = el("details", { class: "more" }, el("summary", { t: "options" }), this.fields, other);
    place.append(el("div", { class: "basic" }, formats, pages), this.more, this.error);
    this.all = [];
  }

  /// Makes the fields for a server.
  fill({ formats = [], parameters = [] }) {
    this.all = formats;
    const kept = remembered("formats")?.split(",");
    const shown = formats.filter((format) => !NEEDED.includes(format));
    const checked = (kept ?? FIRST_FORMATS).filter((format) => shown.includes(format));
    this.formats.replaceChildren(
      ...shown.map((format) => {
        const box = el("input", { type: "checkbox", name: "format", value: format, checked: checked.includes(format) });
        const name = el("span");
        say(name, () => pick(Object.hasOwn(FORMAT_NAMES, format) && FORMAT_NAMES[format], format));
        return el("label", { class: "check" }, box, name);
      }),
    );
    const own = Object.keys(CHOICES).filter((name) => parameters.includes(name));
    this.fields.replaceChildren(...own.map((name) => this.field(name, CHOICES[name])));
    say(this.otherHint, "other_hint", { names: parameters.join(", ") });
    this.more.hidden = parameters.length === 0;
  }

  field(name, kind) {
    const id = `setting-${name}`;
    const label = el("label", { for: id });
    say(label, () => pick(SETTING_NAMES[name], name));
    if (kind === "secret") {
      const input = el("input", { id, type: "password", autocomplete: "off", data: { setting: name } });
      return el("div", { class: "field" }, label, input);
    }
    const values = kind === "boolean" ? ["true", "false"] : kind;
    const select = el("select", { id, data: { setting: name } }, el("option", { value: "", t: "as_server" }));
    for (const value of values) {
      const option = el("option", { value });
      if (kind === "boolean") say(option, value === "true" ? "yes" : "no");
      else say(option, () => pick(VALUE_NAMES[value], value));
      select.append(option);
    }
    return el("div", { class: "field" }, label, select);
  }

  /// The parts of a form for a job, or null after an error was shown.
  read() {
    const chosen = [...this.formats.querySelectorAll("input:checked")].map((box) => box.value);
    remember("formats", chosen.join(","));
    const formats = [...chosen, ...NEEDED.filter((format) => this.all.includes(format))];
    const pages = this.pages.value.trim();
    if (pages && !PAGES.test(pages)) return this.fail("pages_bad", this.pages);
    let settings = {};
    const other = this.other.value.trim();
    if (other) {
      try {
        settings = JSON.parse(other);
      } catch {
        settings = null;
      }
      if (!settings || typeof settings !== "object" || Array.isArray(settings))
        return this.fail("other_bad", this.other);
    }
    for (const field of this.fields.querySelectorAll("[data-setting]")) {
      if (field.value === "") continue;
      const isBoolean = CHOICES[field.dataset.setting] === "boolean";
      settings[field.dataset.setting] = isBoolean ? field.value === "true" : field.value;
    }
    this.fail(null);
    return { formats: formats.join(","), pages: pages.replace(/\s+/g, ""), settings };
  }

  fail(key, field) {
    for (const one of [this.pages, this.other]) one.removeAttribute("aria-invalid");
    this.error.replaceChildren();
    if (!key) return null;
    this.error.textContent = text(key);
    field.setAttribute("aria-invalid", "true");
    if (field === this.other) this.more.open = true;
    field.focus();
    return null;
  }
}
