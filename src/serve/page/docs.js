// A viewer of /openapi.json: routes with their parameters, bodies and answers, and the shapes that they use.

import { json, request } from "/static/api.js";
import { adopt, button, el, remembered, speak } from "/static/dom.js";
import { errorBox } from "/static/errors.js";
import { markdown } from "/static/markdown.js";

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Shapes within shapes are shown so deep; deeper ones are links to their own entry.
const DEEPEST = 5;
/// Characters of an answer that are shown.
const LONGEST_ANSWER = 20_000;

const byId = (id) => document.getElementById(id);

/// Text of the description, which may be Markdown. It has no pictures here.
function prose(text) {
  return el(
    "div",
    { class: "prose" },
    markdown(text ?? "", { picture: (source, alt) => el("span", {}, alt || source) }),
  );
}

class Docs {
  constructor(description) {
    this.description = description;
    this.schemas = description.components?.schemas ?? {};
  }

  /// What a reference means, and its name.
  resolved(value) {
    const name = /^#\/components\/(\w+)\/(.+)$/.exec(value?.$ref ?? "");
    if (!name) return { value: value ?? {}, name: null };
    const target = this.description.components?.[name[1]]?.[name[2]];
    return { value: target ?? {}, name: name[1] === "schemas" ? name[2] : null };
  }

  show() {
    const { info = {}, paths = {} } = this.description;
    byId("about").replaceChildren(prose(info.description ?? ""));
    const routes = Object.entries(paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => this.route(path, method, item)),
    );
    byId("routes").append(...routes);
    byId("schemas").append(...Object.entries(this.schemas).map(([name, schema]) => this.schema(name, schema)));
    byId("schemas").hidden = !Object.keys(this.schemas).length;
    const message = byId("message");
    message.hidden = true;
    byId("find").addEventListener("input", () => {
      const wanted = byId("find").value.trim().toLowerCase();
      for (const route of routes) route.hidden = !route.textContent.toLowerCase().includes(wanted);
      message.hidden = routes.some((route) => !route.hidden);
      message.textContent = "";
      if (!message.hidden) message.append(el("span", { t: "docs_none" }));
    });
    this.openTarget();
    window.addEventListener("hashchange", () => this.openTarget());
  }

  openTarget() {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (target?.localName !== "details") return;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus();
  }

  route(path, method, item) {
    const operation = item[method];
    const head = el(
      "summary",
      {},
      el("span", { class: `method method-${method}` }, method.toUpperCase()),
      el("code", { class: "path" }, path),
      el("span", { class: "summary" }, operation.summary ?? ""),
    );
    const inside = el("div", { class: "inside" }, prose(operation.description));
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(
      (one) => this.resolved(one).value,
    );
    if (parameters.length) inside.append(el("h3", { t: "docs_params" }), this.parameters(parameters));
    if (operation.requestBody) {
      const body = this.resolved(operation.requestBody).value;
      inside.append(el("h3", { t: "docs_body" }), prose(body.description), ...this.contents(body.content));
    }
    inside.append(el("h3", { t: "docs_answers" }));
    for (const [status, one] of Object.entries(operation.responses ?? {})) {
      const answer = this.resolved(one).value;
      inside.append(
        el("div", {}, el("strong", {}, status), prose(answer.description), ...this.contents(answer.content)),
      );
    }
    if (method === "get") inside.append(this.trial(path, parameters));
    return el("details", { class: "route", id: `${method} ${path}` }, head, inside);
  }

  parameters(parameters) {
    const head = ["docs_name", "docs_place", "docs_type", "docs_what"].map((t) => el("th", { t, scope: "col" }));
    const rows = parameters.map((one) => {
      const name = el(
        "td",
        {},
        el("code", {}, one.name),
        one.required ? el("span", { class: "required", t: "docs_required" }) : "",
      );
      if (one.required) name.insertBefore(document.createTextNode(" "), name.lastChild);
      return el(
        "tr",
        {},
        name,
        el("td", {}, one.in ?? ""),
        el("td", {}, this.type(one.schema)),
        el("td", {}, prose(one.description)),
      );
    });
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
    return el("div", { class: "table-frame" }, table);
  }

  contents(content = {}) {
    return Object.entries(content).map(([type, one]) =>
      el(
        "div",
        {},
        el("p", {}, el("code", {}, type)),
        one.schema ? this.shape(one.schema, 0) : null,
        this.example(one.example),
      ),
    );
  }

  example(value) {
    if (value === undefined) return null;
    return el("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2));
  }

  schema(name, schema) {
    const inside = el(
      "div",
      { class: "inside" },
      prose(schema.description),
      this.shape(schema, 0),
      this.example(schema.example),
    );
    return el(
      "details",
      { class: "schema", id: `schema-${name}` },
      el("summary", {}, el("code", { class: "path" }, name)),
      inside,
    );
  }

  /// The name of a type, with a link to a shape that has a name.
  type(schema) {
    const { value, name } = this.resolved(schema);
    if (name) return el("a", { href: `#schema-${encodeURIComponent(name)}` }, name);
    const all = value.oneOf ?? value.anyOf ?? value.allOf;
    if (all) {
      const sign = value.allOf ? " & " : " | ";
      return el("span", {}, ...all.flatMap((one, index) => (index ? [sign, this.type(one)] : [this.type(one)])));
    }
    if (value.type === "array") return el("span", {}, this.type(value.items), "[]");
    const type = [value.type ?? "any"].flat().join(" | ");
    const format = value.format ? ` (${value.format})` : "";
    const choices = value.enum ? `: ${value.enum.map((one) => JSON.stringify(one)).join(", ")}` : "";
    return el("span", {}, `${type}${format}${choices}`);
  }

  shape(schema, depth) {
    const { value, name } = this.resolved(schema);
    if (name) return el("p", {}, this.type(schema));
    if (value.type === "array" && value.items && depth < DEEPEST) {
      return el("div", {}, el("p", {}, this.type(value)), this.nested(value.items, depth));
    }
    const fields = Object.entries(value.properties ?? {});
    if (!fields.length) return el("p", {}, this.type(value));
    return el(
      "ul",
      { class: "shape" },
      ...fields.map(([field, one]) => {
        const required = value.required?.includes(field);
        const item = el("li", {}, el("code", {}, field), " ", this.type(one), " ");
        if (required) item.append(el("span", { class: "required", t: "docs_required" }));
        if (one.description) item.append(el("div", { class: "what" }, one.description));
        const inner = one.type === "array" ? one.items : one;
        if (inner?.properties && depth < DEEPEST) item.append(this.shape(inner, depth + 1));
        return item;
      }),
    );
  }

  nested(items, depth) {
    const { value, name } = this.resolved(items);
    return !name && value.properties ? this.shape(items, depth + 1) : null;
  }

  /// A form that sends the request and shows its answer. Only for requests that change nothing.
  trial(path, parameters) {
    const inputs = parameters
      .filter((one) => one.in === "path" || one.in === "query")
      .map((one) => {
        const id = `try ${path} ${one.name}`;
        const input = el("input", { type: "text", id, autocomplete: "off" });
        return { ...one, input, row: el("div", { class: "field" }, el("label", { for: id }, one.name), input) };
      });
    const answer = el("div", { role: "status" });
    const send = async () => {
      let address = path;
      const query = new URLSearchParams();
      for (const { name, in: place, input } of inputs) {
        if (place === "path")
          address = address.replace(`{${name}}`, input.value.split("/").map(encodeURIComponent).join("/"));
        else if (input.value) query.set(name, input.value);
      }
      answer.replaceChildren();
      const stop = AbortSignal.timeout(30_000);
      try {
        const got = await request(query.size ? `${address}?${query}` : address, { signal: stop });
        const kind = got.headers.get("content-type") ?? "";
        const isText = /json|text|yaml/.test(kind);
        const body = isText ? (await got.text()).slice(0, LONGEST_ANSWER) : `(${(await got.blob()).size} bytes)`;
        answer.append(
          el("p", {}, el("strong", {}, String(got.status)), ` ${kind}`),
          el("pre", { tabindex: "0" }, pretty(body)),
        );
      } catch (error) {
        answer.append(errorBox(error.code ? error : { code: "network" }));
      }
    };
    const form = el("div", { class: "try" }, ...inputs.map((one) => one.row), button("", "docs_send", send), answer);
    return el("details", {}, el("summary", { t: "docs_try" }), form);
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

adopt(document);
speak(remembered("language") ?? (/^zh\b/i.test(navigator.language) ? "zh" : "en"));
try {
  new Docs(await json("/openapi.json")).show();
} catch (error) {
  byId("message").replaceWith(errorBox(error.code ? error : { code: "internal", message: error.message }));
}
