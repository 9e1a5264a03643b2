import { expect, test } from "bun:test";

import { Glob } from "bun";

import manifest from "../package.json";

/** Bottom to top. A file imports its own layer or a lower one, type-only imports included. */
const LAYERS = [
  "src/base",
  "src/store",
  "src/html",
  "src/pack",
  "src/solve",
  "src/http",
  "src/traffic",
  "src/accounts",
  "src/registry",
  "src/npm",
  "src/sites",
  "src/tls",
  "src/bridge",
  "src/runtime",
  "src/guest",
  "src/remote",
  "src/install",
  "src/plugin",
  "plugins",
  "web",
  "src/ui",
  "src/server",
  "commands",
  "src/main.ts",
  "docs",
];

/** Narrower rules inside the order: who, what it may not import, unless `"<who> <what>"` matches. */
const RULES: { name: string; who: RegExp; what: RegExp; unless: RegExp }[] = [
  {
    name: "tables are private to their feature",
    who: /./,
    what: /\/tables\.ts$/,
    unless: /^(src\/[^/]+)\/\S* \1\/tables\.ts$/,
  },
  {
    name: "routes are mounted in one place",
    who: /./,
    what: /\/routes\.ts$/,
    unless: /^src\/server\/app\.ts /,
  },
  {
    name: "the client's side sees of a server feature only its model",
    who: /^(?:commands|src\/remote|src\/install)\//,
    what: /^src\/(?:traffic|accounts|registry|npm|sites|tls|runtime)\//,
    unless: /\/model\.ts$|^commands\/doctor\.ts src\/runtime\/sandbox\/check\.ts$/,
  },
  {
    name: "few commands are a server",
    who: /^commands\//,
    what: /^src\/server\//,
    unless: /^commands\/(?:serve|dev(?:-\w+)?|doctor|admin|service)\.ts /,
  },
  {
    name: "the sandbox gets base, html and bridge only",
    who: /^src\/guest\//,
    what: /./,
    unless: / src\/(?:base|html|bridge|guest)\//,
  },
  {
    name: "first-party plugins get no secret door",
    who: /^plugins\//,
    what: /./,
    unless: / (?:src\/plugin\/api\.ts|plugins\/\S+)$/,
  },
];

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s+(?:type\s+)?(?:[^"'`();]+?\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*[,)]/gm;
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

const layerOf = (path: string): number =>
  LAYERS.findIndex((layer) => path === layer || path.startsWith(`${layer}/`));

/** The path from the root that a specifier means, or undefined for a package. */
function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return new URL(specifier, `file:///${from}`).pathname.slice(1);
  if (!specifier.startsWith("#")) return undefined;
  for (const [alias, path] of Object.entries(manifest.imports)) {
    const [head = "", tail] = alias.split("*");
    if (tail === undefined ? specifier === alias : specifier.startsWith(head))
      return path.replace("./", "").replace("*", specifier.slice(head.length));
  }
  return specifier;
}

/** What one import breaks, or undefined. */
function judge(from: string, to: string): string | undefined {
  // The version is written once, and read there.
  if (to === "package.json" && from === "src/base/build-info.ts") return undefined;
  if (layerOf(to) < 0) return "outside the layers";
  if (layerOf(to) > layerOf(from)) return "higher layer";
  const broken = RULES.find(
    ({ who, what, unless }) => who.test(from) && what.test(to) && !unless.test(`${from} ${to}`),
  );
  return broken?.name;
}

function violations(from: string, code: string): string[] {
  if (layerOf(from) < 0) return [`${from} is in no layer`];
  const written = [...code.replace(COMMENT, "").matchAll(IMPORT)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  const specifiers = from.endsWith(".tsx") ? [...written, "#html/jsx-runtime"] : written;
  return specifiers.flatMap((specifier) => {
    const to = resolve(from, specifier);
    const problem = to === undefined ? undefined : judge(from, to);
    return problem === undefined ? [] : [`${from} → ${to}: ${problem}`];
  });
}

test("every file is in a layer and imports only downward", async () => {
  const bad: string[] = [];
  for await (const file of new Glob("{src,web,commands,plugins,docs}/**/*.{ts,tsx}").scan("."))
    bad.push(...violations(file, await Bun.file(file).text()));
  expect(bad).toEqual([]);
});

test.each([
  ["src/registry/read.ts", 'import { fail } from "#base/errors.ts"', 0],
  ["src/registry/read.ts", 'import type { App } from "#server/app.ts"', 1],
  ["src/registry/read.ts", 'export * from "../server/app.ts"', 1],
  ["src/registry/read.ts", 'const app = await import("#server/app.ts")', 1],
  ["src/registry/read.ts", '/* import { App } from "#server/app.ts" */', 0],
  ["src/registry/read.ts", 'import { z } from "elysia"', 0],
  ["src/registry/read.ts", 'import { packages } from "./tables.ts"', 0],
  ["src/registry/read.ts", 'import {\n  tokens,\n} from "#accounts/tables.ts"', 1],
  ["src/sites/deploy.ts", 'import { readPackage } from "#registry/read.ts"', 0],
  ["src/registry/read.ts", 'import { deploy } from "../sites/deploy.ts"', 1],
  ["src/registry/read.ts", 'import { ada } from "#fixtures/people.ts"', 1],
  ["src/registry/read.ts", 'import { landBinary } from "#test/support/binary.ts"', 1],
  ["src/server/boot.ts", 'import { buildBinary } from "../../build.ts"', 1],
  ["src/server/boot.ts", 'import { version } from "../../package.json"', 1],
  ["src/base/build-info.ts", 'import { version } from "../../package.json"', 0],
  ["src/base/page.tsx", "export const Page = () => <p />", 1],
  ["web/page.tsx", "export const Page = () => <p />", 0],
  ["web/package.tsx", 'import { registryRoutes } from "#registry/routes.ts"', 1],
  ["src/server/app.ts", 'import { registryRoutes } from "#registry/routes.ts"', 0],
  ["src/server/boot.ts", 'import { registryRoutes } from "#registry/routes.ts"', 1],
  ["commands/publish.ts", 'import { publish } from "#registry/publish.ts"', 1],
  ["commands/publish.ts", 'import type { Published } from "#registry/model.ts"', 0],
  ["commands/publish.ts", 'import { writeTar } from "#pack/tar.ts"', 0],
  ["src/remote/client.ts", 'import { readSession } from "#accounts/sessions.ts"', 1],
  ["src/install/tree.ts", 'import type { Version } from "#registry/model.ts"', 0],
  ["commands/serve.ts", 'import { boot } from "#server/boot.ts"', 0],
  ["commands/deploy.ts", 'import { boot } from "#server/boot.ts"', 1],
  ["commands/doctor.ts", 'import { checkSandbox } from "#runtime/sandbox/check.ts"', 0],
  ["commands/serve.ts", 'import { checkSandbox } from "#runtime/sandbox/check.ts"', 1],
  ["src/main.ts", 'import { commands } from "#commands/all.ts"', 0],
  ["commands/all.ts", 'import { main } from "../src/main.ts"', 1],
  ["src/guest/start.ts", 'import { encode } from "../bridge/codec.ts"', 0],
  ["src/guest/start.ts", 'import { openDb } from "#store/db.ts"', 1],
  ["plugins/feed.ts", 'import type { Plugin } from "../src/plugin/api.ts"', 0],
  ["plugins/feed.ts", 'import { fail } from "#base/errors.ts"', 1],
  ["docs/generate.ts", 'import { commands } from "#commands/all.ts"', 0],
  ["docs/generate.ts", 'import { registryRoutes } from "#registry/routes.ts"', 1],
  ["src/main.ts", 'import { renderCli } from "../docs/generate.ts"', 1],
  ["src/mail/send.ts", "", 1],
])("%s: %s → %d violations", (file, code, count) => {
  expect(violations(file, code)).toHaveLength(count);
});
