/** A route as Elysia lists it. */
export type DescribedRoute = {
  method: string;
  path: string;
  hooks?: {
    body?: unknown;
    query?: unknown;
    response?: unknown;
    detail?: { summary?: string; description?: string; hide?: boolean; requestBody?: unknown };
  };
};

type Schema = { properties?: Record<string, unknown>; required?: readonly string[] };

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

/**
 * Describes the routes below `prefix` that carry a summary. TypeBox schemas are JSON Schema already, so they stand in the
 * document as they are.
 *
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export function describeRoutes(
  routes: readonly DescribedRoute[],
  about: { title: string; version: string; serverUrl: string; prefix: string },
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    if (!route.path.startsWith(about.prefix) || !route.hooks?.detail?.summary) continue;
    const path = route.path.slice(about.prefix.length).replace(/:(\w+)/g, "{$1}");
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

function describeRoute({ path, hooks = {} }: DescribedRoute): Record<string, unknown> {
  const { body, query, response, detail } = hooks;
  const requestBody =
    detail?.requestBody ?? (body ? { required: true, content: jsonContent(body) } : undefined);
  return {
    summary: detail?.summary,
    ...(detail?.description && { description: detail.description }),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(requestBody !== undefined && { requestBody }),
    responses: {
      ...responsesOf(response),
      default: {
        description: "A problem (RFC 9457)",
        content: {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        },
      },
    },
  };
}

function pathParameters(path: string): unknown[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: unknown): unknown[] {
  if (!isSchema(query)) return [];
  return Object.entries(query.properties ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: query.required?.includes(name) ?? false,
    schema,
  }));
}

function responsesOf(response: unknown): Record<string, unknown> {
  if (typeof response !== "object" || response === null) return { 200: { description: "Done" } };
  const byStatus = Object.keys(response).every((key) => /^\d{3}$/.test(key))
    ? Object.entries(response)
    : [["200", response] as const];
  return Object.fromEntries(
    byStatus.map(([status, schema]) => [
      status,
      status === "204"
        ? { description: "Done" }
        : { description: "Done", content: jsonContent(schema) },
    ]),
  );
}

function jsonContent(schema: unknown): Record<string, unknown> {
  return { "application/json": { schema } };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && "properties" in value;
}
