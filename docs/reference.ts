import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { catalogue } from "#base/catalogue.ts";
import { environmentName } from "#base/config.ts";
import { type ConfigKey, type Setting, SETTINGS } from "#base/settings.ts";
import { createApp, describeApi } from "#server/app.ts";
import { boot } from "#server/boot.ts";

/** The whole of docs/configuration.md. */
export function renderConfiguration(): string {
  const keys = Object.keys(SETTINGS).filter((key): key is ConfigKey => key in SETTINGS);
  const rows = keys.map((key) => {
    const { default: value, about, oneOf }: Setting = SETTINGS[key];
    const shown = Array.isArray(value) ? "none" : value === "" ? "none" : String(value);
    const choices = oneOf ? ` One of ${oneOf.map((choice) => `\`${choice}\``).join(", ")}.` : "";
    return `| \`${key}\` | \`${environmentName(key)}\` | ${shown} | ${about}${choices} |`;
  });
  return [
    "# Settings of land serve",
    "",
    "Generated from the program by `bun run docs`. A setting comes from `land.toml` in the data folder, from the environment, or from",
    "a flag of `land serve`; the later wins. A key with a dot stands in a table: `[limits]`, then `packedBytes = 1048576`. A list in the",
    "environment is separated by commas. An unknown key in `land.toml` is refused.",
    "",
    "| Key | Environment | Default | |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

type Operation = {
  summary: string;
  description?: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
};
type JsonSchema = {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  const?: unknown;
  description?: string;
};

/** The whole of docs/api.md: the routes of a server as OpenAPI tells them, and every error code. */
export async function renderApi(): Promise<string> {
  const paths = await readPaths();
  const parts = [
    "# The API",
    "Generated from the program by `bun run docs`. A server tells the same as OpenAPI 3.1 at `/openapi.json`. Every path is below `/api/v1`.",
    "A scoped name is written `@scope%2Fname`; a plain `/` is accepted too. Send a token as `Authorization: Bearer land_…`. Lists take `?limit=` (1 to 100) and `?cursor=`, and answer `{\"items\": […], \"next\": \"…\"}`; `next` is null on the last page. Every answer has `X-Request-Id`; counted requests have `RateLimit-*`.",
    "## Calls",
    ...Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => renderCall(method, path, operation)),
    ),
    "## Errors",
    "An error is `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, and `code`, `hint`, `requestId`. Codes are never renamed.",
    ["| Code | Status | |", "|---|---|---|", ...renderCodes()].join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

function renderCall(method: string, path: string, operation: Operation): string {
  const lines = [`### ${method.toUpperCase()} ${path}`, "", `${operation.summary}. ${operation.description ?? ""}`.trim()];
  const query = operation.parameters.filter((parameter) => parameter.in === "query");
  if (query.length > 0)
    lines.push("", `Query: ${query.map(({ name }) => `\`${name}\``).join(", ")}.`);
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {}))
    lines.push("", `Takes \`${type}\`: \`${shape(schema)}\``);
  for (const [status, { content }] of Object.entries(operation.responses)) {
    if (status === "default") continue;
    const schema = content?.["application/json"]?.schema;
    lines.push("", `Answers ${status}${schema ? `: \`${shape(schema)}\`` : "."}`);
  }
  return lines.join("\n");
}

/** A schema in one line, as a person would write the value. */
function shape(schema: JsonSchema, depth = 0): string {
  if (schema.anyOf) return schema.anyOf.map((one) => shape(one, depth)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `[${shape(schema.items ?? {}, depth)}, …]`;
  if (schema.type !== "object" || !schema.properties) return schema.type ?? "any";
  if (depth > 2) return "{…}";
  const members = Object.entries(schema.properties).map(
    ([name, value]) =>
      `${name}${schema.required?.includes(name) ? "" : "?"}: ${shape(value, depth + 1)}`,
  );
  return `{ ${members.join(", ")} }`;
}

function renderCodes(): string[] {
  return Object.entries(catalogue)
    .filter(([, { status }]) => status !== 499)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`);
}

async function readPaths(): Promise<Record<string, Record<string, Operation>>> {
  const data = await mkdtemp(join(tmpdir(), "land-docs-"));
  const booted = await boot({
    data,
    flags: {},
    env: {},
    now: () => new Date(0),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    writeLog: () => undefined,
  });
  try {
    const { routes } = createApp(booted.ctx);
    const described = describeApi(booted.ctx, routes);
    return JSON.parse(JSON.stringify(described["paths"]));
  } finally {
    await booted.close();
    await rm(data, { recursive: true, force: true });
  }
}
