// The page as a whole: which view is shown, theme, language, key, and the state of the server.

import { json, key, request, setKey, signals } from "/static/api.js";
import { adopt, currentLanguage, icon, remember, remembered, say, sayAttribute, speak, text } from "/static/dom.js";
import { JobList } from "/static/jobs.js";
import { JobView } from "/static/job.js";
import { Upload } from "/static/upload.js";

const byId = (id) => document.getElementById(id);
/// Milliseconds between two looks at a server that starts or is out of reach.
const AGAIN = 2000;

let view = null;
let capabilities = null;
const upload = new Upload(byId("upload"), (job) => {
  location.hash = `#/jobs/${encodeURIComponent(job.id)}`;
});
const list = new JobList(byId("earlier"));

/// Shows what the address names: a job, or the start.
function route() {
  view?.close();
  view = null;
  const id = /^#\/jobs\/([^/]+)$/.exec(location.hash)?.[1];
  byId("home").hidden = Boolean(id);
  byId("job").hidden = !id;
  document.title = "docparse";
  window.scrollTo(0, 0);
  if (id) {
    list.off();
    view = new JobView(byId("job"), decodeURIComponent(id), () => {
      location.hash = "";
    });
  } else {
    list.on();
  }
}

/// A line at the top about the server; none for `null`.
function banner(t, args) {
  const place = byId("banner");
  place.hidden = !t;
  if (t) say(place.querySelector("p"), t, args);
}

/// Reads what the server can do; waits while it starts or is out of reach.
async function meet() {
  clearTimeout(meet.timer);
  let isReady = false;
  try {
    await request("/readyz");
    isReady = true;
    banner(null);
  } catch (error) {
    if (error.status === 503) {
      const { detail } = error;
      banner("starting", { detail: detail ?? "" });
    } else if (error.status === 0) {
      banner("offline");
    } else {
      isReady = true;
    }
  }
  try {
    if (!capabilities || isReady) {
      capabilities = await json("/v1/capabilities");
      upload.fill(capabilities);
      say(byId("version"), "version", { version: capabilities.version, pipeline: capabilities.pipeline });
    }
    if (isReady) {
      if (list.isOn) list.load();
      return;
    }
  } catch (error) {
    if (error.status === 401) return;
  }
  meet.timer = setTimeout(meet, AGAIN);
}

function showTheme() {
  const chosen = document.documentElement.dataset.theme;
  const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const toggle = byId("theme");
  toggle.replaceChildren(icon(isDark ? "sun" : "moon"));
  sayAttribute(toggle, "aria-label", isDark ? "to_light" : "to_dark");
  sayAttribute(toggle, "title", isDark ? "to_light" : "to_dark");
  return isDark;
}

function toggleTheme() {
  const theme = showTheme() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  showTheme();
}

function toggleLanguage() {
  const chosen = currentLanguage() === "zh" ? "en" : "zh";
  remember("language", chosen);
  speak(chosen);
  byId("language").lang = chosen === "zh" ? "en" : "zh-CN";
}

function showKeyButton() {
  const isSet = Boolean(key());
  say(byId("key-open").querySelector("span"), isSet ? "key_set" : "key");
  byId("key-forget").hidden = !isSet;
}

function openKey(isWrong) {
  const dialog = byId("key-dialog");
  byId("key-wrong").hidden = !isWrong;
  byId("key-field").value = "";
  showKeyButton();
  if (!dialog.open) dialog.showModal();
  byId("key-field").focus();
}

function listen() {
  window.addEventListener("hashchange", route);
  byId("theme").addEventListener("click", toggleTheme);
  byId("language").addEventListener("click", toggleLanguage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  byId("key-open").addEventListener("click", () => openKey(false));
  byId("key-close").addEventListener("click", () => byId("key-dialog").close());
  byId("key-forget").addEventListener("click", () => {
    setKey("");
    byId("key-dialog").close();
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(byId("key-field").value.trim());
    byId("key-dialog").close();
  });
  for (const answer of byId("ask").querySelectorAll("[data-answer]")) {
    answer.addEventListener("click", () => byId("ask").close(answer.dataset.answer));
  }
  signals.addEventListener("unauthorized", () => {
    banner("unauthorized_banner");
    openKey(Boolean(key()) || !byId("key-dialog").open);
  });
  signals.addEventListener("key", () => {
    showKeyButton();
    banner(null);
    meet();
    route();
  });
  signals.addEventListener("lost", () => {
    if (meet.isLost) return;
    meet.isLost = true;
    banner("offline");
    meet.timer = setTimeout(meet, AGAIN);
  });
  signals.addEventListener("reached", () => {
    if (!meet.isLost) return;
    meet.isLost = false;
    banner(null);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) list.load();
  });
  window.addEventListener("online", meet);
}

adopt(document);
speak(remembered("language") ?? (/^zh\b/i.test(navigator.language) ? "zh" : "en"));
byId("language").lang = currentLanguage() === "zh" ? "en" : "zh-CN";
byId("key-open").prepend(icon("key"));
listen();
showTheme();
showKeyButton();
route();
meet();
