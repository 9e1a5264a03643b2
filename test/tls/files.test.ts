import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { ServerConfig } from "#base/config.ts";
import { LandError } from "#base/errors.ts";
import type { Certificate, CertificateSource } from "#tls/certificate.ts";
import { combineSources } from "#tls/combine.ts";
import { createFileSource } from "#tls/files.ts";

import { type TestCtx, testCtx } from "../support/ctx.ts";
import { authority, handshake, httpsServer, listSource, until } from "./https.ts";

const DAY_MS = 86_400_000;
let made: Awaited<ReturnType<typeof authority>>;
let ctx: TestCtx;
let folder: string;
let source: CertificateSource | undefined;
beforeAll(async () => {
  made = await authority();
});
beforeEach(async () => {
  ctx = await testCtx({ now: () => new Date() });
  folder = join(ctx.config.data, "certificates");
  await mkdir(folder);
});
afterEach(async () => {
  await source?.stop();
  source = undefined;
  await ctx.close();
});

async function put(name: string, certificate: Certificate): Promise<string> {
  await writeFile(join(folder, `${name}.pem`), certificate.chain);
  await writeFile(join(folder, `${name}.key`), certificate.key);
  return `certificates/${name}.pem certificates/${name}.key`;
}

async function open(entries: string[], options: { pollMs?: number; settleMs?: number } = {}) {
  const config: ServerConfig = { ...ctx.config, "tls.certificates": entries };
  source = await createFileSource(
    { ...ctx, config },
    { pollMs: 3_600_000, settleMs: 10, ...options },
  );
  return source;
}

async function refusal(entries: string[]): Promise<string> {
  const thrown = await open(entries).catch((error: unknown) => error);
  if (!(thrown instanceof LandError)) throw new Error("it was taken");
  expect(thrown.code).toBe("config_invalid");
  return thrown.message.replaceAll(folder, "<folder>");
}

const chainFor = async (name: string) => (await source?.find(name))?.chain.trim();

test("an exact name wins over a wildcard, then the one that lasts longest", async () => {
  const wildcard = await made.sign(["*.a.test"]);
  const older = await made.sign(["x.a.test", "a.test"], new Date(Date.now() - 5 * DAY_MS));
  const newer = await made.sign(["x.a.test"]);
  await open([await put("w", wildcard), await put("o", older), await put("n", newer)]);
  expect(await chainFor("x.a.test")).toBe(newer.chain.trim());
  expect(await chainFor("y.a.test")).toBe(wildcard.chain.trim());
  expect(await chainFor("a.test")).toBe(older.chain.trim());
  expect(await chainFor("x.y.a.test")).toBeUndefined();
  expect(await chainFor("b.test")).toBeUndefined();
});

test("what is wrong with a pair is told with its file", async () => {
  const good = await made.sign(["a.test"]);
  const entry = await put("a", good);
  const other = await made.sign(["a.test"]);
  await put("b", other);
  await writeFile(
    join(folder, "bad.pem"),
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  await writeFile(join(folder, "wrong.pem"), `${made.root.certificate}${good.chain}`);
  await writeFile(join(folder, "locked.key"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n");
  await writeFile(join(folder, "big.pem"), Buffer.alloc(1024 * 1024 + 1));
  await put("none", await made.sign([]));
  const told = await Promise.all(
    [
      "certificates/a.pem",
      "certificates/a.pem certificates/b.key",
      "certificates/bad.pem certificates/a.key",
      "certificates/a.key certificates/a.key",
      "certificates/a.pem certificates/a.pem",
      "certificates/wrong.pem certificates/a.key",
      "certificates/a.pem certificates/locked.key",
      "certificates/gone.pem certificates/a.key",
      "certificates/big.pem certificates/a.key",
      "certificates/none.pem certificates/none.key",
    ].map((text) => refusal([text])),
  );
  expect(told).toMatchInlineSnapshot(`
    [
      "Cannot use tls.certificates from the configuration: "certificates/a.pem" is not "<chain.pem> <key.pem>"; put paths with spaces in quotes",
      "Cannot use tls.certificates from <folder>/b.key: it is not the key of the certificate in <folder>/a.pem",
      "Cannot use tls.certificates from <folder>/bad.pem: a certificate in it is damaged",
      "Cannot use tls.certificates from <folder>/a.key: there is no certificate in it (PEM)",
      "Cannot use tls.certificates from <folder>/a.pem: there is no private key in it (PEM)",
      "Cannot use tls.certificates from <folder>/wrong.pem: the certificate of the server must be the first in it",
      "Cannot use tls.certificates from <folder>/locked.key: the key is encrypted; keep it without a passphrase, readable for this user alone",
      "Cannot use tls.certificates from <folder>/gone.pem: there is no such file or folder",
      "Cannot use tls.certificates from <folder>/big.pem: it is larger than 1 MB",
      "Cannot use tls.certificates from <folder>/none.pem: the certificate has no names (subjectAltName)",
    ]
  `);
  expect(await open([entry])).toBeDefined();
});

test("an expired certificate is served and warned of", async () => {
  const expired = await made.sign(["a.test"], new Date(Date.now() - 100 * DAY_MS));
  await open([await put("a", expired)]);
  expect(await chainFor("a.test")).toBe(expired.chain.trim());
  expect(ctx.logged.some((line) => line.includes('"warn","event":"certificate expired"'))).toBe(
    true,
  );
});

test("files that are replaced in place or by rename are taken; a broken pair keeps the old one and is told once", async () => {
  const [first, second, third, fourth] = (await Promise.all(
    Array.from({ length: 4 }, () => made.sign(["a.test"])),
  )) as [Certificate, Certificate, Certificate, Certificate];
  await open([await put("a", first)]);
  await put("a", second);
  await until(async () => (await chainFor("a.test")) === second.chain.trim());
  for (const [ending, text] of [
    ["pem", third.chain],
    ["key", third.key],
  ] as const) {
    await writeFile(join(folder, `.new.${ending}`), text);
    await rename(join(folder, `.new.${ending}`), join(folder, `a.${ending}`));
  }
  await until(async () => (await chainFor("a.test")) === third.chain.trim());
  await writeFile(join(folder, "a.pem"), "nothing");
  await until(() => ctx.logged.some((line) => line.includes("there is no certificate in it")));
  expect(await chainFor("a.test")).toBe(third.chain.trim());
  await put("a", fourth);
  await until(async () => (await chainFor("a.test")) === fourth.chain.trim());
});

test("a symbolic link that leads elsewhere is followed, as certbot renews", async () => {
  const [first, second] = await Promise.all([made.sign(["a.test"]), made.sign(["a.test"])]);
  await mkdir(join(folder, "archive"));
  await mkdir(join(folder, "live"));
  const write = async (name: string, { chain, key }: Certificate) => {
    await writeFile(join(folder, "archive", `${name}.pem`), chain);
    await writeFile(join(folder, "archive", `${name}.key`), key);
    for (const ending of ["pem", "key"]) {
      await rm(join(folder, "live", `a.${ending}`), { force: true });
      await symlink(`../archive/${name}.${ending}`, join(folder, "live", `a.${ending}`));
    }
  };
  await write("1", first);
  await open(["certificates/live/a.pem certificates/live/a.key"]);
  await write("2", second);
  await until(async () => (await chainFor("a.test")) === second.chain.trim());
});

test("where nothing tells of a change, polling does", async () => {
  const [first, second] = await Promise.all([made.sign(["a.test"]), made.sign(["a.test"])]);
  // The folder is behind a link that is swapped: no watched folder changes.
  await mkdir(join(folder, "1"));
  await mkdir(join(folder, "2"));
  const elsewhere = join(ctx.config.data, "elsewhere");
  await put("1/a", first);
  await put("2/a", second);
  await symlink(join(folder, "1"), elsewhere);
  await open(["elsewhere/a.pem elsewhere/a.key"], { pollMs: 20 });
  await rm(elsewhere);
  await symlink(join(folder, "2"), elsewhere);
  await until(async () => (await chainFor("a.test")) === second.chain.trim());
});

test("over https: a file that is replaced is served to the next connection", async () => {
  const [first, second] = await Promise.all([made.sign(["localhost"]), made.sign(["localhost"])]);
  const files = await open([await put("a", first)]);
  await using server = await httpsServer({ source: files });
  const served = async () => {
    const socket = await handshake(server.port, {
      servername: "localhost",
      ca: made.root.certificate,
    });
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return raw.toString("base64");
  };
  const plain = ({ chain }: Certificate) => chain.replace(/-----[^-]+-----|\s/g, "");
  expect(await served()).toBe(plain(first));
  await put("a", second);
  await until(async () => (await served()) === plain(second));
});

test("combined, the first source is asked before the second", async () => {
  const [own, any] = await Promise.all([made.sign(["a.test"]), made.sign(["a.test", "b.test"])]);
  const both = combineSources(listSource([own]), listSource([any]));
  expect((await both.find("a.test"))?.chain).toBe(own.chain);
  expect((await both.find("b.test"))?.chain).toBe(any.chain);
  expect(await both.find("c.test")).toBeUndefined();
  await both.stop();
});
