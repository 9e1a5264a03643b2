import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";

import { type DnsServer, startDns } from "../support/dns.ts";
import { bodyOf, type SiteWorld, siteWorld, untilHot } from "./site-world.ts";
import { codeOf, statusOf } from "./wire.ts";

setDefaultTimeout(60_000);

const SHOP = "shop.example.org";

let dns: DnsServer;
let world: SiteWorld;
beforeAll(async () => {
  dns = await startDns();
  world = await siteWorld({ LAND_DOMAIN: "land.example", LAND_DNS_SERVERS: dns.address });
  await world.deploy(world.ada, "blog", { "index.html": "of ada" });
  await world.deploy(world.eve, "evil", { "index.html": "of eve" });
  await untilHot();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await dns[Symbol.asyncDispose]();
});

type Claim = { status: number; code: string; record: string; value: string; state: string };

async function domain(method: string, token: string, path: string, body?: unknown): Promise<Claim> {
  const { status, value } = await world.server.call<Claim | null>(method, `/sites/${path}`, {
    token,
    ...(body !== undefined && { body }),
  });
  return { code: "", record: "", value: "", state: "", ...value, status };
}
const claim = (token: string, site: string, host: string) =>
  domain("POST", token, `${site}/domains`, { host });
const verify = (token: string, site: string, host: string) =>
  domain("POST", token, `${site}/domains/${host}`);

/** What a visitor of the host gets. */
async function shown(host: string): Promise<string> {
  const answer = await world.ask(host, "/");
  return statusOf(answer) === 200 ? bodyOf(answer) : String(statusOf(answer));
}

/** Claims and proves a domain for blog. */
async function prove(host: string): Promise<Claim> {
  const made = await claim(world.ada, "blog", host);
  dns.txt.set(made.record, [[made.value]]);
  expect(await verify(world.ada, "blog", host)).toMatchObject({ status: 200, state: "verified" });
  return made;
}

test("subdomain takeover: a claim without proof is never served, whatever points here", async () => {
  const made = await claim(world.eve, "evil", "victim.example.org");
  expect([made.status, made.state]).toEqual([201, "pending"]);
  expect(await shown("victim.example.org")).toBe("404");
  for (const wrong of [
    "",
    "x",
    `${made.value}x`,
    made.value.slice(0, -1),
    made.value.toUpperCase(),
  ]) {
    dns.txt.set(made.record, [[wrong]]);
    expect((await verify(world.eve, "evil", "victim.example.org")).code).toBe("domain_unproven");
  }
  expect(await shown("victim.example.org")).toBe("404");
});

test("subdomain takeover: the record is bound to the account, and to the host", async () => {
  const own = await claim(world.ada, "blog", "bound.example.org");
  const eves = await claim(world.eve, "evil", "bound.example.org");
  const other = await claim(world.eve, "evil", "other.example.org");
  expect(new Set([own.value, eves.value, other.value]).size).toBe(3);
  dns.txt.set(own.record, [[own.value], [other.value]]);
  expect((await verify(world.eve, "evil", "bound.example.org")).code).toBe("domain_unproven");
  expect((await verify(world.ada, "blog", "bound.example.org")).state).toBe("verified");
  dns.txt.set(own.record, [[own.value], [eves.value]]);
  // Both proofs stand: who has it keeps it.
  expect((await verify(world.eve, "evil", "bound.example.org")).code).toBe("domain_taken");
  expect(await shown("bound.example.org")).toBe("of ada");
});

test.each([
  "land.example",
  "LAND.example.",
  "x.land.example",
  "evil.land.example",
  "blog.land.example",
  "a.b.land.example",
  "localhost",
  "x.localhost",
  "127.0.0.1",
  "[::1]",
  "2130706433",
  "0x7f.1",
  "*.example.org",
  "*",
  "example",
  "com",
  "printer.local",
  "db.internal",
  "x.home.arpa",
  "\u{ff4c}and.example",
  "land\u3002example",
  "x.land\u3002example",
  "shop.example.org/evil",
  "shop.example.org:80",
  "user@shop.example.org",
  "shop.example.org\n.evil.example",
  "shop.example.org\0.evil.example",
  "shop..example.org",
  "-.example.org",
  "",
  `${"a".repeat(64)}.example.org`,
  `${"a.".repeat(200)}example.org`,
])("subdomain takeover: %j cannot be claimed", async (host) => {
  const answer = await claim(world.eve, "evil", host);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
});

test("subdomain takeover: other spellings of a host are that host", async () => {
  await prove("m\u00fcnchen.example.org");
  expect(await shown("xn--mnchen-3ya.example.org")).toBe("of ada");
  for (const host of [
    "M\u00dcNCHEN.example.org",
    "xn--mnchen-3ya.EXAMPLE.org.",
    "mu\u0308nchen.example.org",
  ]) {
    await claim(world.eve, "evil", host);
    expect((await verify(world.eve, "evil", encodeURIComponent(host))).code).toMatch(
      /^domain_(?:unproven|taken)$/,
    );
  }
  expect(await shown("xn--mnchen-3ya.example.org")).toBe("of ada");
});

test("subdomain takeover: a removed domain leads nowhere at once, and the forgotten record opens it to nobody else", async () => {
  await prove("forgotten.example.org");
  for (let times = 0; times < 3; times += 1)
    expect(await shown("forgotten.example.org")).toBe("of ada");
  expect((await domain("DELETE", world.ada, "blog/domains/forgotten.example.org")).status).toBe(
    204,
  );
  expect(await shown("forgotten.example.org")).toBe("404");
  await claim(world.eve, "evil", "forgotten.example.org");
  expect((await verify(world.eve, "evil", "forgotten.example.org")).code).toBe("domain_unproven");
  expect(await shown("forgotten.example.org")).toBe("404");
});

test("subdomain takeover: the name and the domain of a removed site are nobody else's", async () => {
  await prove(SHOP);
  await world.deploy(world.ada, "leaving", { "index.html": "leaving" });
  const made = await claim(world.ada, "leaving", "leaving.example.org");
  dns.txt.set(made.record, [[made.value]]);
  await verify(world.ada, "leaving", "leaving.example.org");
  const deploy = `${(await world.live("leaving"))?.id ?? ""}--leaving.land.example`;
  const hosts = ["leaving.land.example", deploy, "leaving.example.org"];
  await untilHot();
  for (let times = 0; times < 3; times += 1)
    for (const host of hosts) expect([host, await shown(host)]).toEqual([host, "leaving"]);

  const { status } = await world.server.call("DELETE", "/sites/leaving", { token: world.ada });
  expect(status).toBe(204);
  for (const host of hosts) expect([host, await shown(host)]).toEqual([host, "404"]);

  const again = await world.server.call("POST", "/sites", {
    token: world.eve,
    body: { name: "leaving" },
  });
  expect([again.status, again.value["code"]]).toEqual([409, "site_name_held"]);
  await expect(world.deploy(world.eve, "leaving", { "index.html": "of eve" })).rejects.toThrow(
    "site_name_held",
  );
  await claim(world.eve, "evil", "leaving.example.org");
  expect((await verify(world.eve, "evil", "leaving.example.org")).code).toBe("domain_unproven");
  for (const host of hosts) expect([host, await shown(host)]).toEqual([host, "404"]);
  // Its owner has it back, and the old addresses of deploys lead nowhere still.
  await world.deploy(world.ada, "leaving", { "index.html": "back" });
  expect(await shown("leaving.land.example")).toBe("back");
  expect(await shown(deploy)).toBe("404");
});

test("subdomain takeover: names that mislead or serve the server itself are no site's", async () => {
  for (const name of [
    "www",
    "api",
    "admin",
    "mail",
    "ns1",
    "autodiscover",
    "wpad",
    "localhost.x",
    "xn--blg-sna",
    "a--b",
    "_acme-challenge",
    "-x",
    "x-",
    "X",
    "",
  ]) {
    const answer = await world.server.call("POST", "/sites", { token: world.eve, body: { name } });
    expect([name, [400, 409, 422].includes(answer.status)]).toEqual([name, true]);
  }
  expect(codeOf(await world.ask("_acme-challenge.land.example", "/"))).not.toBe("internal");
});
