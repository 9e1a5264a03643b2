import type { ApiPaths, Content, JsonSchema, Operation } from "./api-text.ts";

/** A route as Elysia lists it. */
export type DescribedRoute = {
  method: string;
  path: string;
  hooks?: {
    body?: unknown;
    query?: unknown;
    response?: unknown;
    detail?: {
      summary?: string;
      description?: string;
      hide?: boolean;
      requestBody?: Operation["requestBody"];
    };
  };
};

/** An OpenAPI document; the parts beside `paths` are only passed on. */
export type OpenApi = { paths: ApiPaths; [part: string]: unknown };

/** The schema of `application/problem+json`, which every error has. */
const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "Stable; programs rely on this" },
    hint: { type: "string" },
    instance: { type: "string" },
    requestId: { type: "string" },
  },
};

const PROBLEM_ANSWER = {
  description: "A problem (RFC 9457)",
  content: {
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  },
};

/**
 * Describes the routes below `prefix` that carry a summary. TypeBox schemas are JSON Schema already, so they stand in the
 * document as they are.
 *
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export function describeRoutes(
  routes: readonly DescribedRoute[],
  about: { title: string; version: string; serverUrl: string; prefix: string },
): OpenApi {
  const paths: OpenApi["paths"] = {};
  for (const route of routes) {
    if (!route.path.startsWith(about.prefix) || !route.hooks?.detail?.summary) continue;
    const path = route.path
      .slice(about.prefix.length)
      .replace(/:(\w+)/g, "{$1}")
      .replace(/\/$/, "");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeRoute(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: about.title, version: about.version },
    servers: [{ url: about.serverUrl + about.prefix }],
    security: [{}, { token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: PROBLEM },
    },
  };
}

function describeRoute({ method, path, hooks = {} }: DescribedRoute): Operation {
  const { body, query, response, detail } = hooks;
  const requestBody =
    detail?.requestBody ??
    (isSchema(body) ? { required: true, content: jsonContent(body) } : undefined);
  return {
    summary: detail?.summary ?? "",
    ...(detail?.description && { description: detail.description }),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(requestBody && { requestBody }),
    responses: { ...responsesOf(method, response), default: PROBLEM_ANSWER },
  };
}

function pathParameters(path: string): Operation["parameters"] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: unknown): Operation["parameters"] {
  if (!isSchema(query)) return [];
  return Object.entries(query.properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: query.required?.includes(name) ?? false,
    schema,
  }));
}

/** What a route says it answers; one that says nothing answers bytes to a read, and 204 to an act. */
function responsesOf(method: string, response: unknown): Operation["responses"] {
  if (typeof response !== "object" || response === null)
    return { [method === "GET" ? 200 : 204]: { description: "Done" } };
  const byStatus = Object.entries(response).filter(([status]) => /^\d{3}$/.test(status));
  return Object.fromEntries(
    byStatus.map(([status, schema]: [string, unknown]) => [
      status,
      { description: "Done", ...(hasBody(schema) && { content: jsonContent(schema) }) },
    ]),
  );
}

function jsonContent(schema: JsonSchema): Content {
  return { "application/json": { schema } };
}

/** Nothing at all is a type to TypeBox, and none to JSON Schema. */
function hasBody(schema: unknown): schema is JsonSchema {
  return isSchema(schema) && schema.type !== "void";
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}
