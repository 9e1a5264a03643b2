import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { link as hardLink, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { $ } from "bun";

import { LandError } from "#base/errors.ts";
import { parseVersion } from "#base/names.ts";
import { generateKeyPair, type PrivateKey, type PublicKey } from "#pack/sign.ts";
import { createTransport } from "#remote/client.ts";
import { writeRelease } from "#remote/release.ts";
import { findRelease, isNewer, upgradeBinary, type UpgradeOptions } from "#remote/upgrade.ts";

let root: string;
let binary: string;
let source: string;
let server: Bun.Server<undefined>;
let keys: { privateKey: PrivateKey; publicKey: PublicKey };
let served: Map<string, string | Uint8Array>;
let requests: { path: string; range: string | null }[];
/** Takes the place of the answer where it gives one. */
let fault: (path: string, request: Request) => Response | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "land-upgrade-"));
  keys = await generateKeyPair((size) => randomBytes(size));
  served = new Map();
  requests = [];
  fault = () => undefined;
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  source = `http://127.0.0.1:${server.port}/releases`;
  await mkdir(join(root, "opt"));
  binary = join(root, "opt", "land");
  await Bun.write(binary, programOf("1.0.0"));
  chmodSync(binary, 0o755);
});
afterEach(async () => {
  await server.stop(true);
  await rm(root, { recursive: true, force: true });
});

function answer(request: Request): Response {
  const path = new URL(request.url).pathname.replace("/releases/", "");
  const range = request.headers.get("range");
  requests.push({ path, range });
  const wrong = fault(path, request);
  if (wrong) return wrong;
  const found = served.get(path);
  if (found === undefined) return new Response("no", { status: 404 });
  const bytes = Buffer.from(found);
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
  if (start === 0) return new Response(bytes);
  const headers = { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  return new Response(bytes.subarray(start), { status: 206, headers });
}

/** A program that says its version, of some size. */
function programOf(version: string): string {
  return `#!/bin/sh\necho ${version}\nexit 0\n${"# filling\n".repeat(30_000)}`;
}

/** Puts a release under `folder` of the source. */
async function release(
  version: string,
  about: { folder?: string; program?: string; key?: PrivateKey | null; more?: object } = {},
): Promise<void> {
  const { folder = "", program = programOf(version), key = keys.privateKey, more = {} } = about;
  const sha256 = new Bun.CryptoHasher("sha256").update(program).digest("hex");
  const file = { file: `land-${version}`, sha256, size: program.length, ...more };
  const files = { "linux-x64": file };
  served.set(
    `${folder}latest.json`,
    await writeRelease({ version: parseVersion(version), files }, key ?? undefined),
  );
  served.set(`${folder}land-${version}`, program);
}

function options(more: Partial<UpgradeOptions> = {}): UpgradeOptions {
  return {
    landHome: join(root, "home"),
    command: "land upgrade",
    lockTimeoutMs: 5000,
    now: () => new Date(),
    source,
    keys: [keys.publicKey],
    version: "1.0.0",
    target: "linux-x64",
    binary,
    transport: createTransport({ sleep: async () => undefined }),
    ...more,
  };
}

async function refusal(more: Partial<UpgradeOptions> = {}): Promise<LandError> {
  const error = await upgradeBinary(options(more)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LandError) return error;
  throw new Error("it did not fail as it should", { cause: error });
}

const says = (): string => Bun.spawnSync([binary, "--version"]).stdout.toString().trim();
const beside = (): string[] => readdirSync(join(root, "opt")).toSorted();

test("a newer release takes the place of the binary, with its rights, and nothing is left beside it", async () => {
  await release("1.1.0");
  chmodSync(binary, 0o711);
  const seen: number[] = [];
  const done = await upgradeBinary(options({ onProgress: (received) => void seen.push(received) }));
  expect(done).toEqual({
    from: "1.0.0",
    version: parseVersion("1.1.0"),
    path: binary,
    changed: true,
  });
  expect(says()).toBe("1.1.0");
  expect(statSync(binary).mode & 0o777).toBe(0o711);
  expect(beside()).toEqual(["land"]);
  expect(seen.at(-1)).toBe(programOf("1.1.0").length);
});

test("a link to the binary stays a link", async () => {
  await release("1.1.0");
  const link = join(root, "link");
  symlinkSync(binary, link);
  expect(await upgradeBinary(options({ binary: link }))).toMatchObject({ path: binary });
  expect(says()).toBe("1.1.0");
});

test("what is the newest stays, and what is older comes only by its name", async () => {
  await release("1.0.0");
  expect(await upgradeBinary(options())).toMatchObject({ changed: false });
  await release("0.9.0");
  expect(await refusal()).toMatchObject({
    code: "upgrade_refused",
    hint: expect.stringContaining("--version 0.9.0"),
  });
  expect(says()).toBe("1.0.0");
  await upgradeBinary(options({ wanted: "0.9.0" }));
  expect(says()).toBe("0.9.0");
});

test("an earlier release lies in its own folder", async () => {
  await release("1.2.0");
  await release("1.1.0", { folder: "1.1.0/" });
  await upgradeBinary(options({ wanted: "1.1.0" }));
  expect(says()).toBe("1.1.0");
  expect(requests.map(({ path }) => path)).toEqual(["1.1.0/latest.json", "1.1.0/land-1.1.0"]);
  expect((await refusal({ wanted: "7.0.0" })).code).toBe("not_found");
});

test("whether there is a newer one is told without touching anything", async () => {
  await release("1.1.0");
  const found = await findRelease(options());
  expect([String(found.version), isNewer(found, "1.0.0"), isNewer(found, "1.1.0")]).toEqual([
    "1.1.0",
    true,
    false,
  ]);
  expect(requests).toHaveLength(1);
  expect(existsSync(join(root, "home"))).toBe(false);
});

test("only what a key inside the binary signed is believed", async () => {
  const other = await generateKeyPair((size) => randomBytes(size));
  await release("1.1.0", { key: null });
  expect(await refusal()).toMatchObject({ code: "signature_invalid", exitCode: 12 });
  await release("1.1.0", { key: other.privateKey });
  expect((await refusal()).message).toContain(other.publicKey);
  await release("1.1.0");
  const text = String(served.get("latest.json"));
  for (const [from, to] of [
    ["1.1.0", "1.1.1"],
    ["linux-x64", "linux-x32"],
    ["land-1.1.0", "land-1.0.9"],
    [/"size": (\d)/, '"size": 1$1'],
    [/"sha256": "./, '"sha256": "'],
  ] as const) {
    served.set("latest.json", text.replace(from, to));
    expect(["signature_invalid", "bad_answer"]).toContain((await refusal()).code);
  }
  expect(await refusal({ keys: [] })).toMatchObject({ code: "upgrade_refused" });
  expect(says()).toBe("1.0.0");
  expect(beside()).toEqual(["land"]);
});

test("a download that breaks goes on where it stopped, also in the next run", async () => {
  await release("1.1.0");
  const whole = Buffer.from(programOf("1.1.0"));
  let left = 3;
  fault = (path, request) => {
    if (path !== "land-1.1.0" || left-- <= 0) return undefined;
    const start = Number(/(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    const headers = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
    return new Response(whole.subarray(start, start + 70_000), {
      status: start > 0 ? 206 : 200,
      headers,
    });
  };
  await upgradeBinary(options());
  expect(says()).toBe("1.1.0");
  expect(requests.slice(1).map(({ range }) => range)).toEqual([
    null,
    "bytes=70000-",
    "bytes=140000-",
    "bytes=210000-",
  ]);
  await release("1.3.0");
  const sha = new Bun.CryptoHasher("sha256").update(programOf("1.3.0")).digest("hex");
  await Bun.write(
    join(root, "opt", `.land.${sha.slice(0, 12)}.download`),
    programOf("1.3.0").slice(0, 1000),
  );
  requests.length = 0;
  await upgradeBinary(options());
  expect(says()).toBe("1.3.0");
  expect(requests.at(-1)?.range).toBe("bytes=1000-");
});

test("a source that does not know ranges sends all again, and one that sends too much is cut off", async () => {
  await release("1.1.0");
  let first = true;
  fault = (path) => {
    if (path !== "land-1.1.0") return undefined;
    const text = programOf("1.1.0");
    const answered = new Response(first ? text.slice(0, 90_000) : text);
    first = false;
    return answered;
  };
  await upgradeBinary(options());
  expect(says()).toBe("1.1.0");
  await release("1.2.0");
  fault = (path) => (path === "land-1.2.0" ? new Response(`${programOf("1.2.0")}more`) : undefined);
  expect((await refusal()).code).toBe("bad_answer");
  expect(says()).toBe("1.1.0");
});

test("other bytes than the release names are thrown away", async () => {
  await release("1.1.0");
  served.set("land-1.1.0", programOf("6.6.6"));
  expect(await refusal()).toMatchObject({ code: "checksum_mismatch", exitCode: 11 });
  expect([says(), beside()]).toEqual(["1.0.0", ["land"]]);
});

test("a binary that does not start, or says that it is another, does not come in", async () => {
  await release("1.1.0", { program: "not a program" });
  expect((await refusal()).message).toContain("does not start on this machine");
  await release("1.1.0", { program: "#!/bin/sh\necho 6.6.6\n" });
  expect((await refusal()).message).toContain('says that it is "6.6.6"');
  expect([says(), beside()]).toEqual(["1.0.0", ["land"]]);
});

test("no source, a source that is none, no such platform, from source, in a package manager's folder: each says so", async () => {
  await release("1.1.0");
  expect((await refusal({ source: "" })).message).toContain("no source of releases is configured");
  expect((await refusal({ source: "ftp://x" })).message).toContain("no address of a source");
  expect((await refusal({ target: undefined })).message).toContain("runs from its source");
  expect((await refusal({ target: "linux-arm64" })).code).toBe("not_found");
  expect((await refusal({ binary: "/bin/sh" })).message).toContain("belongs to a package manager");
  served.set("latest.json", "<html>");
  expect((await refusal()).code).toBe("bad_answer");
  served.delete("latest.json");
  expect((await refusal()).code).toBe("not_found");
  await server.stop(true);
  expect((await refusal()).code).toBe("network");
});

test("a binary that the user cannot write is left, with the command to paste", async () => {
  await release("2.0.0");
  chmodSync(root, 0o755);
  chmodSync(join(root, "opt"), 0o555);
  const child = join(import.meta.dir, "..", "support", "upgrades-until-killed.ts");
  const { stderr, exitCode } =
    await $`${asNobody()} ${process.execPath} ${child} ${binary} ${join(root, "home")} ${source} ${keys.publicKey}`
      .nothrow()
      .quiet();
  chmodSync(join(root, "opt"), 0o755);
  expect(exitCode).toBe(1);
  expect(stderr.toString()).toContain(`sudo LAND_UPGRADE_SOURCE=${source} ${binary} upgrade`);
});

/** What makes a command run as a user who may write little, where we are root, who may write everything. */
function asNobody(): string[] {
  return process.getuid?.() === 0 ? ["setpriv", "--reuid", "65534", "--clear-groups"] : [];
}

test.each([symlinkSync, hardLink])(
  "no link in the way of the download is followed",
  async (put) => {
    await release("1.1.0");
    const sha = new Bun.CryptoHasher("sha256").update(programOf("1.1.0")).digest("hex");
    const precious = join(root, "precious");
    await Bun.write(precious, "precious");
    await put(precious, join(root, "opt", `.land.${sha.slice(0, 12)}.download`));
    await upgradeBinary(options());
    expect([says(), readFileSync(precious, "utf8")]).toEqual(["1.1.0", "precious"]);
  },
);

test("after kills at any moment the binary works", async () => {
  await release("1.0.0", { folder: "1.0.0/" });
  await release("2.0.0");
  const child = join(import.meta.dir, "..", "support", "upgrades-until-killed.ts");
  const seen = new Set<string>();
  for (let kill = 0; kill < 15; kill += 1) {
    const running = Bun.spawn(
      [process.execPath, child, binary, join(root, "home"), source, keys.publicKey],
      { stdout: "pipe", stderr: "inherit" },
    );
    await running.stdout.getReader().read();
    const end = performance.now() + ((kill * 13) % 70);
    while (performance.now() < end) await new Promise((go) => setImmediate(go));
    running.kill("SIGKILL");
    await running.exited;
    seen.add(says());
  }
  expect([...seen].filter((version) => !["1.0.0", "2.0.0"].includes(version))).toEqual([]);
}, 60_000);
