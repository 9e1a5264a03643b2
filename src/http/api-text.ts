import { catalogue } from "#base/catalogue.ts";

/** A JSON Schema, as far as the text tells it. */
export type JsonSchema = {
  type?: string;
  $ref?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  const?: unknown;
};
/** Bodies by media type. */
export type Content = Record<string, { schema: JsonSchema }>;

/** One call of an OpenAPI document, as far as the text tells it. */
export type Operation = {
  summary: string;
  description?: string;
  parameters: { name: string; in: string; required: boolean; schema: JsonSchema }[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};
/** The calls of an OpenAPI document, by path and method. */
export type ApiPaths = Record<string, Record<string, Operation>>;

const INTRODUCTION = `Every path is below \`/api/v1\`. The same as OpenAPI 3.1 is at \`/openapi.json\`.

A scoped name is written \`@scope%2Fname\`; a plain \`/\` is accepted too. Send a token as \`Authorization: Bearer land_…\`. Lists take \`?limit=\` (1 to 100) and \`?cursor=\`, and answer \`{"items": […], "next": "…"}\`; \`next\` is null on the last page. Every answer has \`X-Request-Id\`, and counted requests have \`RateLimit-*\`.`;
const ERRORS =
  "An error is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, `code`, and often `hint`. Codes are never renamed.";

/** The reference of the API in Markdown: every call with what it takes and answers, and every error code. */
export function renderApiText(paths: ApiPaths): string {
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => renderCall(method, path, operation)),
  );
  const parts = [INTRODUCTION, "## Calls", ...calls, "## Errors", ERRORS, renderCodes()];
  return `${parts.join("\n\n")}\n`;
}

function renderCall(method: string, path: string, operation: Operation): string {
  const about = `${operation.summary}. ${operation.description ?? ""}`.trim();
  const query = operation.parameters.filter((parameter) => parameter.in === "query");
  const lines = [`### ${method.toUpperCase()} ${path}`, about];
  if (query.length > 0) lines.push(`Query: ${query.map(({ name }) => `\`${name}\``).join(", ")}.`);
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {}))
    lines.push(`Takes \`${type}\`: \`${shapeOf(schema)}\``);
  for (const [status, { content }] of Object.entries(operation.responses)) {
    if (status === "default") continue;
    const schema = content?.["application/json"]?.schema;
    lines.push(schema ? `Answers ${status}: \`${shapeOf(schema)}\`` : `Answers ${status}.`);
  }
  return lines.join("\n\n");
}

/** A schema in one line, as a person would write the value. */
function shapeOf(schema: JsonSchema, depth = 0): string {
  if (schema.anyOf) return schema.anyOf.map((one) => shapeOf(one, depth)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `[${shapeOf(schema.items ?? {}, depth)}, …]`;
  if (schema.type !== "object" || !schema.properties) return schema.type ?? "any";
  if (depth > 2) return "{…}";
  const members = Object.entries(schema.properties).map(([name, value]) => {
    const mark = schema.required?.includes(name) ? "" : "?";
    return `${name}${mark}: ${shapeOf(value, depth + 1)}`;
  });
  return `{ ${members.join(", ")} }`;
}

function renderCodes(): string {
  const rows = Object.entries(catalogue)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`);
  return ["| Code | Status | Title |", "|---|---|---|", ...rows].join("\n");
}
