// The files of a job: downloads, and copying the Markdown.

import { key, outputPath, save } from "/static/api.js";
import { el, icon, sayAttribute, size, toast } from "/static/dom.js";
import { isPagePicture } from "/static/pictures.js";

/// A link that saves a file. Without a key the browser fetches it by itself; with one the page does, as links send no keys.
export function download(path, name, content, look = "") {
  const link = el("a", { href: path, download: name, class: look }, ...content);
  link.addEventListener("click", async (event) => {
    if (!key()) return;
    event.preventDefault();
    toast("preparing", { name });
    try {
      await save(path, name);
    } catch (error) {
      toast(error.code ? `code_${error.code}` : "code_internal");
    }
  });
  return link;
}

/// The outputs of a file as a table; pictures, of which there are many, fold up.
export function outputTable(job, file) {
  const outputs = file.outputs ?? [];
  if (!outputs.length) return el("p", { class: "quiet-text", t: "no_outputs" });
  const isPicture = (output) => isPagePicture(output.name) || /^image\//.test(output.media_type ?? "");
  const documents = outputs.filter((output) => !isPicture(output));
  const pictures = outputs.filter(isPicture);
  const out = el("div", { class: "outputs" });
  if (documents.length) out.append(table(job, documents));
  if (pictures.length) {
    const summary = el("summary", { t: "pictures_n", args: { n: pictures.length } });
    out.append(el("details", { open: documents.length === 0 }, summary, table(job, pictures)));
  }
  return out;
}

function table(job, outputs) {
  const head = el("tr", {}, ...["output_name", "output_kind", "output_size"].map((t) => el("th", { t, scope: "col" })));
  const rows = outputs.map((output) => {
    const name = output.name.split("/").pop();
    const link = download(
      outputPath(job.id, output.name),
      name,
      [icon("down"), el("span", {}, output.name)],
      "output-link",
    );
    sayAttribute(link, "aria-label", "download", { name: output.name });
    const kind = (output.media_type ?? "").split(";")[0];
    return el(
      "tr",
      {},
      el("td", {}, link),
      el("td", { class: "kind" }, kind),
      el("td", { class: "right" }, size(output.size)),
    );
  });
  return el(
    "div",
    { class: "table-frame" },
    el("table", { class: "output-table" }, el("thead", {}, head), el("tbody", {}, ...rows)),
  );
}

/// Puts a text on the clipboard. Pages that are not served over HTTPS or from this machine have only the old way.
export async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source);
  } catch {
    const area = el("textarea", { class: "visually-hidden", readonly: true });
    area.value = source;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    if (!isCopied) {
      toast("copy_failed");
      return;
    }
  }
  toast("copied");
}
