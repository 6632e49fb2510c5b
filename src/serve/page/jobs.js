// The list of earlier jobs.

import { json, request } from "/static/api.js";
import { button, el, icon, say, sayAttribute, text, time, toast } from "/static/dom.js";
import { errorBox } from "/static/errors.js";
import { jobName } from "/static/upload.js";

const SHOWN = 50;
/// Milliseconds between two looks at jobs that have not ended.
const INTERVAL = 4000;

export function hasEnded(job) {
  return !["queued", "running"].includes(job.state);
}

/// A state in words, with a sign of its own.
export function stateBadge(state) {
  return el("span", { class: `state state-${state}` }, icon(state), el("span", { t: `state_${state}` }));
}

export function pagesText(job) {
  if (job.page_count) return text("pages_of", { done: job.pages_done ?? 0, all: job.page_count });
  return job.pages_done ? text("pages_done", { done: job.pages_done }) : "";
}

/// Asks in a dialog; resolves with `true` for yes.
export function ask(key, args, yes) {
  const dialog = document.getElementById("ask");
  const accept = dialog.querySelector("[data-answer=yes]");
  say(dialog.querySelector("p"), key, args);
  say(accept, yes);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export async function cancelJob(job) {
  await request(`/v1/jobs/${encodeURIComponent(job.id)}`, { method: "DELETE" });
  toast("canceled_said");
}

/// Removes a job after asking; `true` if it was removed.
export async function removeJob(job) {
  if (!(await ask("remove_ask", { name: jobName(job) }, "remove_job"))) return false;
  await request(`/v1/jobs/${encodeURIComponent(job.id)}?purge=true`, { method: "DELETE" });
  toast("removed");
  return true;
}

export class JobList {
  constructor(place) {
    this.list = el("ul", { class: "jobs" });
    this.message = el("div", {});
    const refresh = button("refresh", "refresh", () => this.load(), { class: "quiet" });
    place.append(el("div", { class: "row spread" }, el("h2", { t: "jobs" }), refresh), this.message, this.list);
  }

  /// Reads the list; it is read again while something in it runs and it is on view.
  async load() {
    clearTimeout(this.timer);
    if (!this.isOn || document.hidden) return;
    try {
      const { jobs } = await json(`/v1/jobs?limit=${SHOWN}`);
      this.message.replaceChildren();
      if (!jobs.length) this.message.append(el("p", { class: "quiet-text", t: "jobs_none" }));
      this.show(jobs);
      if (jobs.some((job) => !hasEnded(job))) this.timer = setTimeout(() => this.load(), INTERVAL);
    } catch (error) {
      if (![0, 401, 503].includes(error.status)) {
        this.message.replaceChildren(el("p", { t: "jobs_failed" }), errorBox(error));
      }
      if (error.status !== 401) this.timer = setTimeout(() => this.load(), INTERVAL);
    }
  }

  on() {
    this.isOn = true;
    this.load();
  }

  off() {
    this.isOn = false;
    clearTimeout(this.timer);
  }

  show(jobs) {
    const focused = document.activeElement?.dataset?.focus;
    this.list.replaceChildren(...jobs.map((job) => this.item(job)));
    if (focused) this.list.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  item(job) {
    const name = jobName(job);
    const link = el(
      "a",
      { href: `#/jobs/${encodeURIComponent(job.id)}`, class: "job-name", data: { focus: `open ${job.id}` } },
      name,
    );
    const details = el("span", { class: "job-details" });
    say(details, () => [time(job.created), pagesText(job)].filter(Boolean).join(" · "));
    const act = (what) => async () => {
      try {
        await what(job);
      } catch (error) {
        this.message.replaceChildren(errorBox(error));
        return;
      }
      this.load();
    };
    const actions = el("span", { class: "job-actions" });
    if (!hasEnded(job)) {
      const cancel = button("close", null, act(cancelJob), { class: "small", data: { focus: `cancel ${job.id}` } });
      actions.append(sayAttribute(cancel, "aria-label", "cancel_named", { name }));
    }
    const remove = button("trash", null, act(removeJob), { class: "small", data: { focus: `remove ${job.id}` } });
    actions.append(sayAttribute(remove, "aria-label", "remove_named", { name }));
    return el("li", { class: "job" }, stateBadge(job.state), el("span", { class: "job-main" }, link, details), actions);
  }
}
