// One job: its progress while it runs, and its pages, document and files.

import { ApiError, events, json, mayPass, outputPath, request, values } from "/static/api.js";
import { announce, button, el, icon, roving, say, sayAttribute, sleep, text, time } from "/static/dom.js";
import { errorBox, codeText } from "/static/errors.js";
import { cancelJob, hasEnded, pagesText, removeJob, stateBadge } from "/static/jobs.js";
import { markdownParts } from "/static/markdown.js";
import { copyText, download, outputTable } from "/static/outputs.js";
import { PageView } from "/static/pages.js";
import { Pictures, sourcesOf } from "/static/pictures.js";
import { jobName } from "/static/upload.js";

const TABS = ["pages", "document", "source", "files", "problems"];
/// Seconds between attempts to reach the server again.
const RETRIES = [1, 2, 4, 8, 15];
/// Milliseconds between looks at a job while the tab is hidden.
const HIDDEN_INTERVAL = 5000;
/// Severities of messages that people are told of.
const TOLD = ["warning", "error"];
/// Blocks of the whole document that are drawn at a time.
const BLOCKS_AT_ONCE = 80;
/// Announced are at most so many steps of the progress.
const SAID_STEPS = 5;

export class JobView {
  /// `onLeave` is called when the job is no longer there.
  constructor(place, id, onLeave) {
    this.place = place;
    this.id = id;
    this.path = `/v1/jobs/${encodeURIComponent(id)}`;
    this.onLeave = onLeave;
    this.controller = new AbortController();
    this.pictures = new Pictures(id);
    /// Per file: its pages by their numbers.
    this.pages = new Map();
    this.file = 0;
    this.tab = "pages";
    this.job = null;
    this.observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) target.pageView[isIntersecting ? "show" : "hide"]();
      },
      { rootMargin: "1200px 0px" },
    );
    this.build();
    this.run();
  }

  close() {
    this.controller.abort();
    this.observer.disconnect();
    this.pictures.close();
    this.place.replaceChildren();
  }

  build() {
    this.title = el("h2", { class: "job-title", tabindex: "-1", t: "job_loading" });
    this.state = el("span", { class: "job-state" });
    this.bar = el("progress", { max: "1", label: "job_progress" });
    this.progress = el("p", { class: "progress-text" });
    this.errors = el("div", { class: "problems" });
    this.actions = el("div", { class: "row actions" });
    this.files = el("div", { class: "file-switch", role: "group", label: "files_of_job" });
    this.tabs = el("div", { class: "tabs", role: "tablist", label: "views" });
    this.panel = el("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: "-1" });
    this.body = el("div", { class: "job-body" }, this.files, this.tabs, this.panel);
    this.body.hidden = true;
    this.lost = el("p", { class: "problem", role: "status" }, icon("partial"), el("span", { t: "offline" }));
    this.lost.hidden = true;
    const back = el("a", { href: "#", class: "back" }, icon("back"), el("span", { t: "back" }));
    const head = el("div", { class: "job-line" }, this.title, this.state);
    this.place.replaceChildren(back, head, this.bar, this.progress, this.lost, this.errors, this.actions, this.body);
    this.bar.hidden = true;
    roving(this.tabs, "[role=tab]", (tab) => tab.click());
  }

  async run() {
    try {
      await this.lasting(async () => this.update(await json(this.path, { signal: this.controller.signal })));
      this.title.focus({ preventScroll: true });
      while (!hasEnded(this.job)) await this.watch();
      if (!this.hasAllPages) await this.lasting(() => this.readPages(this.controller.signal));
    } catch (error) {
      if (error.name === "AbortError" || this.controller.signal.aborted) return;
      this.showError(error);
    }
  }

  /// Follows a job by streams while the tab is on view. A browser opens few connections to a server, all tabs together, so
  /// hidden ones look now and then.
  async watch() {
    const { signal } = this.controller;
    if (document.hidden) {
      await sleep(HIDDEN_INTERVAL, signal);
      await this.lasting(async () => this.update(await json(this.path, { signal })));
      return;
    }
    const streams = new AbortController();
    const stop = () => streams.abort();
    const hide = () => document.hidden && stop();
    signal.addEventListener("abort", stop, { once: true });
    document.addEventListener("visibilitychange", hide);
    try {
      await Promise.all([
        this.lasting(() => this.readPages(streams.signal), streams.signal),
        this.lasting(() => this.follow(streams.signal), streams.signal),
      ]);
    } catch (error) {
      if (error.name !== "AbortError" || signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", hide);
      stop();
    }
  }

  /// Does something that may lose its connection, again until it succeeds.
  async lasting(what, signal = this.controller.signal) {
    for (let tries = 0; ; tries += 1) {
      try {
        const result = await what();
        this.lost.hidden = true;
        return result;
      } catch (error) {
        if (!mayPass(error)) throw error;
        this.lost.hidden = false;
        await sleep(1000 * (error.retryAfter ?? RETRIES[Math.min(tries, RETRIES.length - 1)]), signal);
      }
    }
  }

  showError(error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
      this.errors.append(errorBox({ code: "internal", message: String(error.message) }));
      return;
    }
    const box = errorBox(error);
    if (error.status === 404) box.append(el("p", { t: "job_gone" }));
    this.errors.append(box);
    if (!this.job) say(this.title, "job_unnamed");
  }

  /// Follows the changes of the job until it has ended.
  async follow(signal) {
    for await (const { event, data } of events(`${this.path}/events`, signal)) {
      if (event !== "job" && event !== "end") continue;
      this.lost.hidden = true;
      this.update(JSON.parse(data));
      if (event === "end") return;
    }
    await this.checkEnd(signal);
  }

  /// A stream that ends before its job was lost on the way.
  async checkEnd(signal) {
    if (!hasEnded(this.job)) this.update(await json(this.path, { signal }));
    if (!hasEnded(this.job)) throw new ApiError(0, null, null);
  }

  async readPages(signal) {
    for await (const line of values(`${this.path}/pages`, signal)) {
      this.lost.hidden = true;
      if (line.restarted) {
        this.dropPages(line.file);
        continue;
      }
      this.takePage(line);
    }
    await this.checkEnd(signal);
    this.hasAllPages = true;
  }

  dropPages(file) {
    for (const page of this.pages.get(file)?.values() ?? []) {
      this.observer.unobserve(page.element);
      page.element.remove();
    }
    this.pages.delete(file);
  }

  takePage(line) {
    if (!this.pages.has(line.file)) this.pages.set(line.file, new Map());
    const all = this.pages.get(line.file);
    let page = all.get(line.page);
    if (!page) {
      page = new PageView(
        line.page,
        sourcesOf(this.pictures, () => this.fileState(line.file)),
      );
      all.set(line.page, page);
      if (line.file === this.file && this.tab === "pages") this.placePage(page);
    }
    page.update(line);
    this.showProblemsOf(line.file, page);
    this.countProblems();
  }

  /// Puts a page among the others that are shown, in the order of their numbers.
  placePage(page) {
    if (!this.pageList) return;
    this.pageList.querySelector(".page-waiting")?.remove();
    const later = [...this.pageList.children].find((one) => one.pageView?.number > page.number);
    this.pageList.insertBefore(page.element, later ?? null);
    this.observer.observe(page.element);
  }

  fileState(index) {
    return this.job.files?.find((file) => file.index === index) ?? {};
  }

  update(job) {
    const before = this.job;
    this.job = job;
    const isEnd = hasEnded(job) && !(before && hasEnded(before));
    say(this.title, () => jobName(job));
    document.title = `${jobName(job)} – docparse`;
    if (before?.state !== job.state) this.state.replaceChildren(stateBadge(job.state));
    this.showProgress(before);
    this.showErrors();
    this.body.hidden = false;
    if (!before || isEnd) {
      this.showActions();
      this.showFiles();
      this.showTabs();
      for (const [file, pages] of this.pages) {
        for (const page of pages.values()) {
          this.showProblemsOf(file, page);
          page.isStale = true;
          if (page.isShown) page.show();
        }
      }
      if (!before || this.tab !== "pages" || !this.pages.get(this.file)?.size) this.showPanel();
    }
    if (before && isEnd) announce("state_said", { name: jobName(job), state: text(`state_${job.state}`) });
    this.countProblems();
  }

  showProgress(before) {
    const { job } = this;
    this.bar.hidden = hasEnded(job);
    if (job.page_count) this.bar.value = (job.pages_done ?? 0) / job.page_count;
    else this.bar.removeAttribute("value");
    say(this.progress, () => {
      const kept = hasEnded(job) && job.expires ? text("until", { time: time(job.expires) }) : "";
      return [pagesText(job), kept].filter(Boolean).join(" · ");
    });
    const step = (one) => (one?.page_count ? Math.floor((SAID_STEPS * one.pages_done) / one.page_count) : 0);
    if (before && !hasEnded(job) && step(before) !== step(job)) {
      announce("progress_said", { done: job.pages_done, all: job.page_count });
    }
  }

  showErrors() {
    const all = this.errorsOfJob();
    const signature = JSON.stringify(all);
    if (this.shownErrors === signature) return;
    this.shownErrors = signature;
    const several = (this.job.files?.length ?? 0) > 1;
    this.errors.replaceChildren(
      ...all
        .slice(0, 5)
        .map((problem) =>
          errorBox({
            ...problem,
            message: several && problem.name ? `${problem.name}: ${problem.message}` : problem.message,
          }),
        ),
    );
  }

  showActions() {
    const { job } = this;
    const isEnd = hasEnded(job);
    const again = (what) => async () => {
      try {
        await what();
      } catch (error) {
        if (error.name !== "AbortError") this.errors.replaceChildren(errorBox(error));
      }
    };
    const zip = `${jobName(job).replace(/[\\/:*?"<>|]/g, "_")}.zip`;
    const hasOutputs = job.files?.some((file) => file.outputs?.length);
    const parts = [];
    if (isEnd && hasOutputs) {
      const content = [icon("down"), el("span", { t: "download_zip" })];
      parts.push(download(`${this.path}/result`, zip, content, "button primary"));
    }
    parts.push(
      button(
        "copy",
        "copy",
        again(() => this.copyMarkdown()),
        { id: "copy" },
      ),
    );
    if (!isEnd) {
      parts.push(
        button(
          "close",
          "cancel_job",
          again(() => cancelJob(job)),
          { id: "cancel-job" },
        ),
      );
    }
    const remove = again(async () => {
      if (await removeJob(job)) this.onLeave();
    });
    parts.push(button("trash", "remove_job", remove, { id: "remove-job", class: "danger" }));
    const hadFocus = this.actions.contains(document.activeElement);
    this.actions.replaceChildren(...parts);
    if (hadFocus) this.actions.firstElementChild.focus();
  }

  showFiles() {
    const files = this.job.files ?? [];
    this.files.hidden = files.length < 2;
    this.files.replaceChildren(
      ...files.map((file) => {
        const chosen = file.index === this.file;
        const choose = () => {
          this.file = file.index;
          this.showFiles();
          this.showPanel();
          this.files.querySelector("[aria-pressed=true]").focus();
        };
        const name = el("span", { class: "file-name" }, file.name);
        const sign = icon(file.state);
        const one = el(
          "button",
          { type: "button", class: "file-tab", "aria-pressed": String(chosen), on: { click: choose } },
          sign,
          name,
        );
        return sayAttribute(one, "aria-label", "state_said", {
          name: file.name,
          state: () => text(`state_${file.state}`),
        });
      }),
    );
  }

  showTabs() {
    this.tabs.replaceChildren(
      ...TABS.map((name) => {
        const isOn = name === this.tab;
        const open = () => {
          this.tab = name;
          for (const tab of this.tabs.children) {
            const isThis = tab.id === `tab-${name}`;
            tab.setAttribute("aria-selected", String(isThis));
            tab.tabIndex = isThis ? 0 : -1;
          }
          this.showPanel();
        };
        return el("button", {
          type: "button",
          role: "tab",
          id: `tab-${name}`,
          "aria-selected": String(isOn),
          "aria-controls": "panel",
          tabindex: isOn ? "0" : "-1",
          t: `tab_${name}`,
          args: { n: () => this.problems().length },
          on: { click: open },
        });
      }),
    );
    this.countProblems();
  }

  /// Counts the problems, once for all the pages that came since the last picture of the window.
  countProblems() {
    if (this.isCounting) return;
    this.isCounting = true;
    requestAnimationFrame(() => {
      this.isCounting = false;
      this.showCount();
    });
  }

  showCount() {
    const tab = this.tabs.querySelector("#tab-problems");
    if (!tab) return;
    const n = this.problems().length;
    tab.hidden = n === 0;
    say(tab, "tab_problems", { n });
    if (this.tab === "problems" && this.shownProblems !== n) this.showPanel();
  }

  /// What went wrong with the job as a whole, and with its files.
  errorsOfJob() {
    const { job } = this;
    const out = job?.error ? [{ isError: true, ...job.error }] : [];
    for (const file of job?.files ?? []) {
      for (const error of file.errors ?? []) out.push({ isError: true, file: file.index, name: file.name, ...error });
    }
    return out;
  }

  /// Everything that went wrong: of the job, of its files, and of pages.
  problems() {
    const files = this.job?.files ?? [];
    const ofPages = files.flatMap((file) =>
      [...(this.pages.get(file.index)?.values() ?? [])].flatMap((page) => this.problemsOf(file, page)),
    );
    return [...this.errorsOfJob(), ...ofPages];
  }

  /// The messages about a page that its file does not have as errors.
  problemsOf(file, page) {
    const isError = (one) => file.errors?.some((error) => error.code === one.code && error.page === page.number);
    return (page.line.diagnostics ?? [])
      .filter((one) => TOLD.includes(one.severity ?? TOLD[0]) && !isError(one))
      .map((one) => ({ ...one, file: file.index, name: file.name, page: page.number }));
  }

  showProblemsOf(index, page) {
    const file = this.fileState(index);
    const errors = (file.errors ?? []).filter((error) => error.page === page.number);
    page.setProblems([...errors, ...this.problemsOf(file, page)].map((one) => one.message || codeText(one.code)));
  }

  showPanel() {
    for (const pages of this.pages.values()) for (const page of pages.values()) this.observer.unobserve(page.element);
    this.pageList = null;
    this.panel.setAttribute("aria-labelledby", `tab-${this.tab}`);
    this.drawing?.abort();
    this.drawing = new AbortController();
    this.panel.replaceChildren();
    const show = {
      pages: "showPages",
      document: "showDocument",
      source: "showSource",
      files: "showOutputs",
      problems: "showProblems",
    };
    const done = this[show[this.tab]](this.drawing.signal);
    done?.catch?.((error) => {
      if (error.name !== "AbortError") this.panel.replaceChildren(errorBox(error));
    });
  }

  showPages() {
    this.pageList = el("div", { class: "pages" });
    const go = el("input", { type: "number", min: "1", id: "go-to", class: "go-to" });
    go.addEventListener("change", () => this.goTo(Number(go.value)));
    const shown = el("input", { type: "checkbox", id: "boxes-shown", checked: !this.boxesHidden });
    shown.addEventListener("change", () => {
      this.boxesHidden = !shown.checked;
      this.panel.classList.toggle("no-boxes", this.boxesHidden);
    });
    this.panel.classList.toggle("no-boxes", Boolean(this.boxesHidden));
    const bar = el(
      "div",
      { class: "row page-bar" },
      el("label", { for: "go-to", t: "go_to" }),
      go,
      el("label", { class: "check" }, shown, el("span", { t: "boxes_shown" })),
    );
    this.panel.append(bar, this.pageList);
    const pages = [...(this.pages.get(this.file)?.values() ?? [])].sort((a, b) => a.number - b.number);
    const t = hasEnded(this.job) ? "pages_none" : "page_waiting";
    if (!pages.length) this.pageList.append(el("p", { class: "quiet-text page-waiting", t }));
    for (const page of pages) this.placePage(page);
  }

  goTo(number) {
    const page = this.pages.get(this.file)?.get(number);
    if (!page) return;
    page.show();
    page.element.scrollIntoView({ block: "start" });
    page.element.focus({ preventScroll: true });
  }

  /// The Markdown of the file on view: the whole one when the job has ended, else that of the pages there are.
  async markdown(signal) {
    const output = this.fileState(this.file).outputs?.find((one) => one.name.endsWith(".md"));
    if (hasEnded(this.job) && output) {
      return (await request(outputPath(this.id, output.name), { signal })).text();
    }
    const pages = [...(this.pages.get(this.file)?.values() ?? [])].sort((a, b) => a.number - b.number);
    return pages.map((page) => page.line.markdown ?? "").join("\n\n");
  }

  async copyMarkdown() {
    await copyText(await this.markdown(this.controller.signal));
  }

  async showDocument(signal) {
    if (!hasEnded(this.job)) this.panel.append(el("p", { class: "quiet-text", t: "document_waiting" }));
    const source = await this.markdown(signal);
    signal.throwIfAborted();
    if (!source.trim()) {
      this.panel.replaceChildren(el("p", { class: "quiet-text", t: "no_markdown" }));
      return;
    }
    const prose = el("article", { class: "prose whole" });
    this.panel.append(prose);
    const sources = sourcesOf(this.pictures, () => this.fileState(this.file));
    let drawn = 0;
    for (const part of markdownParts(source, sources)) {
      prose.append(part);
      drawn += 1;
      if (drawn % BLOCKS_AT_ONCE === 0) await sleep(0, signal);
    }
  }

  async showSource(signal) {
    const source = await this.markdown(signal);
    signal.throwIfAborted();
    if (!source.trim()) this.panel.append(el("p", { class: "quiet-text", t: "no_markdown" }));
    else this.panel.append(el("pre", { class: "source", tabindex: "0" }, source));
  }

  showOutputs() {
    this.panel.append(outputTable(this.job, this.fileState(this.file)));
  }

  showProblems() {
    const all = this.problems();
    this.shownProblems = all.length;
    this.panel.append(
      el(
        "ul",
        { class: "problem-list" },
        ...all.map((problem) => {
          const message = problem.message || codeText(problem.code);
          const words = problem.page ? text("error_page", { page: problem.page, message }) : message;
          const several = (this.job.files?.length ?? 0) > 1 && problem.name;
          const item = el(
            "li",
            {},
            icon(problem.isError ? "failed" : "partial"),
            el("span", {}, several ? `${problem.name} – ${words}` : words),
          );
          return item;
        }),
      ),
    );
  }
}
