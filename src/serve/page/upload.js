// Choosing files by dialog, dropping or pasting, and sending them.

import { ApiError, patient, upload } from "/static/api.js";
import { announce, button, el, icon, say, sayAttribute, size, text } from "/static/dom.js";
import { errorBox } from "/static/errors.js";
import { Settings } from "/static/settings.js";

export class Upload {
  /// `onJob` is called with the job that was made of the files.
  constructor(place, onJob) {
    this.onJob = onJob;
    this.files = [];
    this.limit = null;
    this.input = el("input", {
      type: "file",
      multiple: true,
      id: "file-input",
      class: "visually-hidden",
      label: "choose",
    });
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    this.hint = el("p", { class: "hint", id: "drop-hint", t: "drop_hint", args: { kinds: "" } });
    this.zone = el(
      "div",
      { class: "drop-zone" },
      el("div", { class: "drop-icon" }, icon("upload")),
      el("p", { class: "drop-text", t: "drop" }),
      this.input,
      el("label", { class: "button", for: "file-input", t: "choose" }),
      this.hint,
    );
    this.count = el("h3", {});
    this.list = el("ul", { class: "chosen" });
    this.chosen = el("div", { class: "chosen-box" }, this.count, this.list);
    this.problems = el("div", { class: "problems" });
    const options = el("div", { class: "options" });
    this.settings = new Settings(options);
    this.start = button("", "parse", () => this.send(), { class: "primary", id: "parse" });
    this.clear = button("", "clear", () => this.reset(), {});
    this.bar = el("progress", { max: "1", label: "upload_progress" });
    this.status = el("p", { class: "upload-status", role: "status" });
    this.stop = button("close", "cancel", () => this.sending?.abort(), { id: "cancel-upload" });
    this.progress = el("div", { class: "upload-progress" }, this.status, this.bar, this.stop);
    this.buttons = el("div", { class: "row" }, this.start, this.clear);
    place.append(this.zone, this.problems, this.chosen, options, this.buttons, this.progress);
    this.listen();
    this.show();
  }

  /// Takes what the server says about its limits and inputs.
  fill(capabilities) {
    this.settings.fill(capabilities);
    const limit = capabilities.limits?.find((one) => one.name === "max_upload_size");
    this.limit = limit?.value ?? null;
    const kinds = capabilities.inputs ?? [];
    say(this.hint, "drop_hint", { kinds: kinds.join(", ") });
    if (kinds.length) this.input.accept = kinds.map((kind) => `.${kind}`).join(",");
  }

  listen() {
    const over = (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      this.zone.classList.toggle("is-over", event.type !== "drop");
      if (event.type === "drop") this.add(event.dataTransfer.files);
    };
    for (const kind of ["dragenter", "dragover", "drop"]) document.addEventListener(kind, over);
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.zone.classList.remove("is-over");
    });
    document.addEventListener("paste", (event) => {
      const files = event.clipboardData?.files;
      if (files?.length) {
        event.preventDefault();
        this.add(files);
      }
    });
  }

  add(files) {
    if (this.sending || !files.length) return;
    this.problems.replaceChildren();
    for (const file of files) {
      const sum = this.files.reduce((all, one) => all + one.size, file.size);
      if (file.size === 0) this.problem("empty_file", { name: file.name });
      else if (this.limit && sum > this.limit)
        this.problem("too_large_file", { name: file.name, limit: size(this.limit) });
      else this.files.push(file);
    }
    this.show();
    if (location.hash) location.hash = "";
    announce("chosen", { n: this.files.length });
  }

  problem(key, args) {
    this.problems.append(el("p", { class: "problem", role: "alert" }, icon("partial"), el("span", { t: key, args })));
  }

  reset() {
    this.files = [];
    this.problems.replaceChildren();
    this.show();
    this.input.focus();
  }

  show() {
    const isSending = Boolean(this.sending);
    this.chosen.hidden = this.files.length === 0;
    this.buttons.hidden = this.files.length === 0 || isSending;
    this.progress.hidden = !isSending;
    say(this.count, "chosen", { n: this.files.length });
    this.list.replaceChildren(
      ...this.files.map((file) => {
        const remove = button("close", null, () => {
          this.files = this.files.filter((one) => one !== file);
          this.show();
          (this.list.querySelector("button") ?? this.input).focus();
        });
        sayAttribute(remove, "aria-label", "remove_file", { name: file.name });
        remove.classList.add("small");
        remove.hidden = isSending;
        const name = el("span", { class: "file-name" }, file.name);
        return el("li", {}, icon("file"), name, el("span", { class: "file-size" }, size(file.size)), remove);
      }),
    );
  }

  async send() {
    const settings = this.settings.read();
    if (!settings || this.sending) return;
    this.sending = new AbortController();
    const { signal } = this.sending;
    this.problems.replaceChildren();
    this.show();
    this.stop.focus();
    const form = () => {
      const made = new FormData();
      made.append("formats", settings.formats);
      if (settings.pages) made.append("pages", settings.pages);
      if (Object.keys(settings.settings).length) made.append("settings", JSON.stringify(settings.settings));
      for (const file of this.files) made.append("file", file, file.name);
      return made;
    };
    try {
      const job = await patient(
        async () => {
          this.sent(0, 1);
          await this.readable();
          return upload(form(), { signal, onProgress: (sent, all) => this.sent(sent, all) });
        },
        {
          signal,
          onWait: (error, seconds) => {
            this.bar.removeAttribute("value");
            const key = { 429: "waiting_busy", 503: "waiting_ready" }[error.status] ?? "waiting_lost";
            say(this.status, key, { seconds });
          },
        },
      );
      this.files = [];
      this.sending = null;
      this.show();
      this.onJob(job);
    } catch (error) {
      this.sending = null;
      this.show();
      this.start.focus();
      if (error.name === "AbortError") {
        this.problems.append(el("p", { class: "quiet-text", role: "status", t: "upload_canceled" }));
      } else {
        if (!(error instanceof ApiError)) console.error(error);
        this.problems.append(
          errorBox(error instanceof ApiError ? error : { code: "internal", message: error.message }),
        );
      }
    }
  }

  /// Fails for a file that was moved or removed since it was chosen, or is a folder: sending it would look like a lost connection.
  async readable() {
    for (const file of this.files) {
      try {
        await file.slice(0, 1).arrayBuffer();
      } catch {
        throw Object.assign(new ApiError(422, null, null), {
          code: "unreadable_file",
          message: file.name,
          status: null,
        });
      }
    }
  }

  sent(sent, all) {
    this.bar.value = all ? sent / all : 0;
    if (sent >= all && all > 1) say(this.status, "upload_sent");
    else say(this.status, "uploading", { percent: Math.floor((100 * sent) / Math.max(all, 1)) });
  }
}

/// The name of a job: that of its first file, and how many more it has.
export function jobName(job) {
  const files = job.files ?? [];
  if (!files.length) return text("job_unnamed");
  return files.length === 1 ? files[0].name : text("job_more", { name: files[0].name, n: files.length - 1 });
}
