/**
 * Installing a few hundred real packages, beside bun, pnpm and npm in one run: with and without a cache, a lock and a tree, on
 * loopback and behind a line of 50 ms and 200 Mbit/s. land asks one `land serve`; the others get the same archives from Verdaccio,
 * or with `--peers memory` from memory, which is faster than any registry and so favours them.
 *
 *   bun bench/install.ts [--packages 420] [--rounds 3] [--line loopback|slow|both] [--keep DIR] [--tools land,bun,pnpm,npm]
 *     [--peers verdaccio|memory]
 *
 * Where it runs as root, the installers run as user 1000, for whom land links files as the others do: --keep must be a folder
 * that this user can reach.
 *
 * Of --packages fewer are left: those that one version per name cannot hold, or the server refuses, go with the roots that need them.
 * Needs the npm registry for the packages at the first run with --keep; `LAND_TEST_BINARY` names the binary, else dist/land.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { serveByVerdaccio, serveFromMemory } from "./install-npm.ts";
import { chooseSet, type PackageSet, publishSet } from "./install-set.ts";
import { makeTools, prepare, type Run, runOnce, type State, type Tool } from "./install-tools.ts";
import { startVerdaccio } from "./verdaccio.ts";

const { values: flags } = parseArgs({
  options: {
    packages: { type: "string", default: "420" },
    rounds: { type: "string", default: "3" },
    line: { type: "string", default: "both" },
    keep: { type: "string" },
    tools: { type: "string", default: "land,bun,pnpm,npm" },
    peers: { type: "string", default: "verdaccio" },
  },
});

const STATES: readonly State[] = [
  { cache: false, lock: false, tree: false },
  { cache: false, lock: true, tree: false },
  { cache: false, lock: false, tree: true },
  { cache: false, lock: true, tree: true },
  { cache: true, lock: false, tree: false },
  { cache: true, lock: true, tree: false },
  { cache: true, lock: false, tree: true },
  { cache: true, lock: true, tree: true },
];

const work = flags.keep ?? (await mkdtemp(join(tmpdir(), "land-install-")));
await mkdir(work, { recursive: true });
const npmRegistry = (await Bun.$`npm config get registry`.quiet().text()).trim().replace(/\/$/, "");
const { server, set } = await publishAll(
  await chooseSet(work, npmRegistry, Number(flags.packages)),
);
const verdaccio =
  flags.peers === "verdaccio" ? await startVerdaccio(join(work, "verdaccio")) : undefined;
if (flags.peers === "verdaccio" && !verdaccio) console.log("Verdaccio cannot be installed here\n");
const npm = verdaccio
  ? await serveByVerdaccio(verdaccio, set.members, server.url)
  : await serveFromMemory(set.members, server.url);
const tools = (await makeTools(work, set.roots)).filter(({ name }) =>
  flags.tools.split(",").includes(name),
);
console.log(
  `${set.members.length} packages by ${Object.keys(set.roots).length} roots; peers install from ${verdaccio ? `Verdaccio ${verdaccio.version}` : "memory"}; ${tools.map(({ name, version }) => `${name} ${version}`).join(", ")}; medians of ${flags.rounds} rounds\n`,
);

if (flags.line !== "slow") await compare("loopback", server.url, `http://127.0.0.1:${npm.port}`);
if (flags.line !== "loopback") {
  const [ours, theirs] = [
    startRelay(new URL(server.url).host),
    startRelay(`127.0.0.1:${npm.port}`),
  ];
  await compare("50 ms, 200 Mbit/s", await ours.url, await theirs.url);
  ours.child.kill();
  theirs.child.kill();
}
if (verdaccio && verdaccio.starts() > 1)
  console.log(`Verdaccio ended under load and was started again ${verdaccio.starts() - 1} times.`);
await npm.stop();
await server.end("SIGTERM");
if (flags.keep === undefined) await rm(work, { recursive: true, force: true });

/** Publishes the set; what the server refuses goes, with the roots that need it. */
async function publishAll(
  chosen: PackageSet,
): Promise<Awaited<ReturnType<typeof publishSet>> & { set: PackageSet }> {
  const published = await publishSet(work, chosen);
  const refused = new Set(published.refused.map((text) => text.replace(/(?<=.)@.*$/s, "")));
  for (const text of published.refused) console.log(`refused  ${text}`);
  const known = new Map(chosen.members.map((member) => [member.name, member]));
  const roots: Record<string, string> = {};
  const needed = new Set<string>();
  for (const [root, range] of Object.entries(chosen.roots)) {
    const reached = new Set([root]);
    for (const name of reached)
      for (const to of Object.keys(known.get(name)?.dependencies ?? {})) reached.add(to);
    if (!reached.isDisjointFrom(refused)) continue;
    roots[root] = range;
    for (const name of reached) needed.add(name);
  }
  return {
    ...published,
    set: { roots, members: chosen.members.filter(({ name }) => needed.has(name)) },
  };
}

function startRelay(to: string): { url: Promise<string>; child: Bun.Subprocess } {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "relay.ts"), "--to", to], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const url = (async () => {
    const { value } = await child.stdout.getReader().read();
    return `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
  })();
  return { url, child };
}

async function compare(line: string, landUrl: string, npmUrl: string): Promise<void> {
  npm.setBase(npmUrl);
  const urlOf = ({ name }: Tool): string => (name === "land" ? landUrl : npmUrl);
  const everything = { cache: false, lock: false, tree: false };
  for (const tool of tools) {
    await prepare(tool, everything);
    await runOnce(tool, urlOf(tool));
  }
  console.log(
    `${line}\n${row(["cache lock tree", ...tools.map(({ name }) => name), "best peer / land"])}`,
  );
  for (const state of STATES) {
    // What the state before took away is there again.
    for (const tool of state.cache ? tools : []) {
      await prepare(tool, { cache: true, lock: false, tree: false });
      await runOnce(tool, urlOf(tool));
    }
    const runs = new Map<Tool, Run[]>(tools.map((tool) => [tool, []]));
    for (let round = 0; round < Number(flags.rounds); round += 1)
      for (const tool of tools) {
        await prepare(tool, state);
        await npm.revive();
        runs.get(tool)?.push(await runOnce(tool, urlOf(tool)));
      }
    console.log(rowOf(state, runs));
  }
  console.log("");
}

function rowOf(state: State, runs: ReadonlyMap<Tool, Run[]>): string {
  const medians = [...runs.values()].map((all) => median(all.map(({ ms }) => ms)));
  const peaks = [...runs.values()].map((all) => Math.max(...all.map(({ peakBytes }) => peakBytes)));
  const mark = (isThere: boolean): string => (isThere ? "yes" : "-");
  const [ours = 0, ...theirs] = medians;
  return row([
    `${mark(state.cache).padEnd(6)}${mark(state.lock).padEnd(5)}${mark(state.tree)}`,
    ...medians.map((ms, at) => `${ms.toFixed(0)} ms ${((peaks[at] ?? 0) / 1e6).toFixed(0)} MB`),
    theirs.length === 0 ? "" : (Math.min(...theirs) / ours).toFixed(2),
  ]);
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell) => cell.padEnd(18))
    .join("")
    .trimEnd();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
