"use strict";
/** A framework in the style of onions: each layer calls the next one, and sees its answer. CommonJS, as much of npm is. */
const { compose } = require("./compose.cjs");

class Context {
  #status = 200;
  #headers = new Headers();
  constructor(request, env, executionCtx, params) {
    this.req = {
      raw: request,
      param: (name) => params[name],
      query: (name) => new URL(request.url).searchParams.get(name) ?? undefined,
      header: (name) => request.headers.get(name) ?? undefined,
      json: () => request.json(),
    };
    this.env = env;
    this.executionCtx = executionCtx;
    this.vars = new Map();
  }
  set(name, value) {
    this.vars.set(name, value);
  }
  get(name) {
    return this.vars.get(name);
  }
  status(code) {
    this.#status = code;
  }
  header(name, value) {
    this.#headers.append(name, value);
  }
  body(content, type) {
    const headers = new Headers(this.#headers);
    if (type) headers.set("content-type", type);
    return new Response(content, { status: this.#status, headers });
  }
  text(text) {
    return this.body(text, "text/plain; charset=UTF-8");
  }
  html(html) {
    return this.body(html, "text/html; charset=UTF-8");
  }
  json(value, status) {
    if (status) this.status(status);
    return this.body(JSON.stringify(value), "application/json");
  }
}

class Onion {
  #layers = [];
  #onError = () => new Response("Internal Server Error", { status: 500 });
  constructor() {
    for (const method of ["get", "post", "put", "delete"])
      this[method] = (path, ...handlers) => this.#add(method.toUpperCase(), path, handlers);
  }
  use(...given) {
    const path = typeof given[0] === "string" ? given.shift() : "*";
    return this.#add("", path, given);
  }
  onError(handler) {
    this.#onError = handler;
    return this;
  }
  #add(method, path, handlers) {
    const parts = path.split("/").map((part) => {
      if (part === "*") return ".*";
      return part.startsWith(":") ? `(?<${part.slice(1)}>[^/]+)` : part;
    });
    this.#layers.push({
      method,
      pattern: new RegExp(`^${path === "*" ? ".*" : parts.join("/")}$`),
      handlers,
    });
    return this;
  }
  // A property, so that it may be handed on without its object.
  fetch = async (request, env, executionCtx) => {
    const { pathname } = new URL(request.url);
    let params = {};
    const fitting = this.#layers.flatMap(({ method, pattern, handlers }) => {
      const match = method === "" || method === request.method ? pattern.exec(pathname) : null;
      if (match?.groups) params = { ...params, ...match.groups };
      return match ? handlers : [];
    });
    const context = new Context(request, env, executionCtx, params);
    try {
      return await compose(fitting)(context);
    } catch (error) {
      return this.#onError(error, context);
    }
  };
}

module.exports = { Onion };
