// Pictures of a job, fetched with the key and shown from memory. Only files that the job itself has are ever fetched.

import { outputPath, request } from "/static/api.js";
import { el, icon, sayAttribute } from "/static/dom.js";

/// Kinds of files that may be shown.
const KINDS = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", gif: "image/gif" };
const EMBEDDED = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/=\s]+$/;
const PAGE_PICTURE = /(?:^|\/)pages\/[^/]+\/p0*(\d+)\.jpg$/;
/// Fetches at once.
const AT_ONCE = 4;

export class Pictures {
  constructor(jobId) {
    this.jobId = jobId;
    this.addresses = new Map();
    this.controller = new AbortController();
    this.running = 0;
    this.waiting = [];
  }

  /// Lets go of everything.
  close() {
    this.controller.abort();
    for (const name of this.addresses.keys()) this.release(name);
  }

  /// The address of an output's picture in memory; null if it cannot be had.
  address(name) {
    if (!this.addresses.has(name)) this.addresses.set(name, this.load(name));
    return this.addresses.get(name);
  }

  release(name) {
    this.addresses.get(name)?.then((address) => address && URL.revokeObjectURL(address));
    this.addresses.delete(name);
  }

  async load(name) {
    const kind = KINDS[name.split(".").pop().toLowerCase()];
    if (!kind) return null;
    await this.turn();
    try {
      const answer = await request(outputPath(this.jobId, name), { signal: this.controller.signal });
      // The kind is ours, whatever the answer says.
      return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: kind }));
    } catch {
      this.addresses.delete(name);
      return null;
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  async turn() {
    if (this.running >= AT_ONCE) await new Promise((resolve) => this.waiting.push(resolve));
    this.running += 1;
  }
}

export function isPagePicture(name) {
  return PAGE_PICTURE.test(name);
}

/// What the pages of one file show: pictures in its text, and pictures of its pages. `file` gives the file's newest state.
export function sourcesOf(pictures, file) {
  const named = (wanted) => file().outputs?.find((output) => wanted(output.name))?.name ?? null;
  const pageName = (number) => named((name) => Number(PAGE_PICTURE.exec(name)?.[1]) === number);
  return {
    async page(number) {
      const name = pageName(number);
      return name ? pictures.address(name) : null;
    },
    releasePage(number) {
      const name = pageName(number);
      if (name) pictures.release(name);
    },
    picture(source, alt, width) {
      const frame = el("span", { class: "picture" });
      frame.dataset.source = source;
      if (EMBEDDED.test(source)) {
        frame.append(image(source, alt, width));
        return frame;
      }
      const markdown = named((name) => name.endsWith(".md")) ?? named((name) => name.endsWith(".html")) ?? "";
      const path = within(markdown, source);
      const name = path === null ? null : named((one) => one === path);
      const note = sayAttribute(
        el("span", { class: "no-picture" }, icon("file")),
        "title",
        path === null ? "picture_outside" : "picture_later",
      );
      note.append(alt || el("span", { t: "no_picture" }));
      frame.append(note);
      if (name) {
        pictures.address(name).then((address) => {
          if (address) frame.replaceChildren(image(address, alt, width));
        });
      }
      return frame;
    },
  };
}

function image(address, alt, width) {
  const element = el("img", { alt, src: address });
  if (width) element.style.width = `${width[0]}${width[1]}`;
  return element;
}

/// The name of the output that a relative path means, seen from the Markdown; null for any other address.
function within(markdown, source) {
  if (!source || /^[a-z][a-z0-9+.-]*:|^[/\\]/i.test(source)) return null;
  const parts = markdown.split("/").slice(0, -1);
  for (const part of source.split("/")) {
    if (part === "..") {
      if (!parts.length) return null;
      parts.pop();
    } else if (part !== "." && part !== "") {
      parts.push(part);
    }
  }
  return parts.join("/");
}
