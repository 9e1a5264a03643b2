import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";

import { createRemote, type Remote } from "#remote/client.ts";
import { createProxyChoice } from "#remote/proxy.ts";
import { createRoute, type RouteSettings } from "#remote/route.ts";

import { type Authority, makeAuthority } from "../runtime/egress-certificates.ts";
import { type FakeRegistry, fakeRegistry } from "../support/fake-registry.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/land.ts";
import { startProxy } from "../support/proxy.ts";

const LOOPBACK_TOO = ["<-loopback>"];

describe("which proxy an address is asked through", () => {
  const P = "http://p:3128";
  test.each<
    [string, string, Record<string, string>, string, readonly string[], string | undefined]
  >([
    ["nothing is set", "https://a.example", {}, "", [], undefined],
    ["network.proxy", "https://a.example", {}, P, [], P],
    ["before the environment", "https://a.example", { HTTPS_PROXY: "http://q" }, P, [], P],
    ["https", "https://a.example", { HTTPS_PROXY: P, HTTP_PROXY: "http://q" }, "", [], P],
    ["http", "http://a.example", { HTTPS_PROXY: "http://q", http_proxy: P }, "", [], P],
    [
      "small letters first",
      "http://a.example",
      { HTTP_PROXY: "http://q", http_proxy: P },
      "",
      [],
      P,
    ],
    ["all", "http://a.example", { ALL_PROXY: P }, "", [], P],
    ["without a scheme", "http://a.example", { all_proxy: "p:3128" }, "", [], P],
    [
      "a header under CGI",
      "http://a.example",
      { HTTP_PROXY: P, REQUEST_METHOD: "GET" },
      "",
      [],
      undefined,
    ],
    ["this machine", "http://127.0.0.1:5263", { HTTP_PROXY: P }, P, [], undefined],
    ["this machine by name", "http://land.localhost:5263", { HTTP_PROXY: P }, P, [], undefined],
    ["this machine too", "http://127.0.0.1:5263", {}, P, LOOPBACK_TOO, P],
    ["everything is spared", "https://a.example", { NO_PROXY: "*" }, P, [], undefined],
    [
      "network.noProxy before NO_PROXY",
      "https://a.example",
      { NO_PROXY: "*" },
      P,
      ["b.example"],
      P,
    ],
    ["a host", "https://a.example", { no_proxy: "b.example, A.Example" }, P, [], undefined],
    ["below a host", "https://x.a.example", { NO_PROXY: "a.example" }, P, [], undefined],
    ["not a host that ends so", "https://xa.example", { NO_PROXY: "a.example" }, P, [], P],
    ["a suffix", "https://x.a.example", { NO_PROXY: ".a.example" }, P, [], undefined],
    ["a suffix with a star", "https://x.a.example", { NO_PROXY: "*.a.example" }, P, [], undefined],
    ["a port", "https://a.example:8443", { NO_PROXY: "a.example:8443" }, P, [], undefined],
    ["the usual port", "https://a.example", { NO_PROXY: "a.example:443" }, P, [], undefined],
    ["another port", "https://a.example", { NO_PROXY: "a.example:80" }, P, [], P],
    ["an address", "http://10.1.2.3", { NO_PROXY: "10.1.2.3" }, P, [], undefined],
    ["a network", "http://10.1.2.3", { NO_PROXY: "10.0.0.0/8" }, P, [], undefined],
    ["another network", "http://11.1.2.3", { NO_PROXY: "10.0.0.0/8" }, P, [], P],
    ["IPv6", "http://[fd00::1]:80", { NO_PROXY: "fd00::/8" }, P, [], undefined],
    [
      "IPv6 with a port",
      "http://[2001:db8::1]:81",
      { NO_PROXY: "[2001:db8::1]:81" },
      P,
      [],
      undefined,
    ],
    ["a network that is none", "http://10.1.2.3", { NO_PROXY: "10.0.0.0/99 x/8 /" }, P, [], P],
  ])("%s: %s", (_, url, env, proxy, noProxy, expected) => {
    expect(createProxyChoice({ proxy, noProxy, env })(url)?.url).toBe(
      expected ?? (undefined as never),
    );
  });

  test("its password is not shown, and one that land cannot speak to is not passed over", () => {
    const choice = createProxyChoice({ proxy: "http://ada:pw@p:3128", noProxy: [], env: {} });
    expect(choice("http://a.example")).toEqual({ url: "http://ada:pw@p:3128", shown: P });
    const socks = createProxyChoice({ proxy: "", noProxy: [], env: { ALL_PROXY: "socks5://p" } });
    expect(() => socks("http://a.example")).toThrow("Cannot use the proxy from ALL_PROXY");
  });
});

let authority: Authority;
let registry: FakeRegistry;
let secure: ReturnType<typeof Bun.serve>;
let root: TemporaryFolder;
let ca = "";
let certificate: { cert: string; key: string };
beforeAll(async () => {
  authority = await makeAuthority();
  registry = await fakeRegistry();
  await registry.add({ name: "left", version: "1.0.0" });
  root = await temporaryFolder("proxy");
  ca = join(root.path, "ca.pem");
  await Bun.write(ca, `# ours\n${authority.pem}\n`);
  certificate = await authority.certificateOf("localhost");
  secure = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: certificate,
    fetch: (request) => fetch(request.url.replace(/^https:\/\/[^/]+/, registry.url)),
  });
});
afterAll(async () => {
  await secure.stop(true);
  await registry[Symbol.asyncDispose]();
  await root[Symbol.asyncDispose]();
});

const remoteBy = (url: string, settings: Partial<RouteSettings>): Remote =>
  createRemote({
    registry: url,
    token: "land_secret",
    route: createRoute({ proxy: "", noProxy: LOOPBACK_TOO, env: {}, ca: "", ...settings }),
    network: { tries: 2 },
    sleep: async () => undefined,
  });
const httpsUrl = (): string => `https://localhost:${secure.port}`;
const sizeOf = async (remote: Remote): Promise<number> => {
  let bytes = 0;
  for await (const piece of remote.download("left", "1.0.0")) bytes += piece.byteLength;
  return bytes;
};

describe("through a real proxy", () => {
  test("http is forwarded, with the credentials for the proxy alone", async () => {
    await using proxy = await startProxy({ credentials: "ada:p w" });
    const remote = remoteBy(registry.url, { proxy: `http://ada:p%20w@${proxy.host}` });
    registry.mend();
    expect(await remote.readIndex("left")).toMatchObject({ kind: "fresh" });
    expect(proxy.requests[0]?.line).toBe(`GET ${registry.url}/api/v1/index/left HTTP/1.1`);
    expect(registry.requests[0]?.authorization).toBe("Bearer land_secret");
  });

  test("https goes through a tunnel, and no token is seen on the way", async () => {
    await using proxy = await startProxy();
    const remote = remoteBy(httpsUrl(), { env: { HTTPS_PROXY: proxy.host }, ca });
    expect(await remote.readIndex("left")).toMatchObject({ kind: "fresh" });
    expect(await sizeOf(remote)).toBeGreaterThan(100);
    expect(proxy.requests[0]?.line).toBe(`CONNECT localhost:${secure.port} HTTP/1.1`);
    expect(JSON.stringify(proxy.requests)).not.toContain("land_secret");
  });

  test("the proxy itself may speak https", async () => {
    await using proxy = await startProxy({ tls: certificate });
    const port = proxy.host.split(":")[1];
    const remote = remoteBy(httpsUrl(), { proxy: `https://localhost:${port}`, ca });
    expect(await remote.readIndex("left")).toMatchObject({ kind: "fresh" });
  });

  test.each(["http", "https"])(
    "%s: wrong credentials are told as what they are",
    async (scheme) => {
      await using proxy = await startProxy({ credentials: "ada:right" });
      const url = scheme === "http" ? registry.url : httpsUrl();
      const remote = remoteBy(url, { proxy: `http://ada:wrong@${proxy.host}`, ca });
      const error = await remote.readIndex("left").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "network", exitCode: 13 });
      expect(String(error)).toContain(
        `the proxy wants a user name and a password: see network.proxy (through the proxy http://${proxy.host})`,
      );
      expect(String(error)).not.toContain("wrong");
    },
  );

  test("one that is not there is named, with the tries", async () => {
    const error = remoteBy(registry.url, { proxy: "http://127.0.0.1:1" }).readIndex("left");
    expect(error).rejects.toThrow(
      "nothing listens there (through the proxy http://127.0.0.1:1) (2 tries)",
    );
    await error.catch(() => undefined);
  });
});

describe("authorities", () => {
  test("one of our own is trusted only where it is named", async () => {
    expect(await remoteBy(httpsUrl(), { ca }).readIndex("left")).toMatchObject({ kind: "fresh" });
    const stranger = remoteBy(httpsUrl(), {}).readIndex("left");
    expect(stranger).rejects.toMatchObject({ code: "network" });
    expect(stranger).rejects.toThrow("its certificate");
    await stranger.catch(() => undefined);
  });

  test.each(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])("those of %s count too", async (name) => {
    const script = `
      import { createRoute } from "#remote/route.ts";
      const route = createRoute({ proxy: "", noProxy: [], env: {}, ca: "" });
      console.log((await route.fetch("${httpsUrl()}/api/v1/index/left", {})).status);
      process.exit(0);`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: join(import.meta.dir, "../.."),
      env: { PATH: process.env["PATH"], [name]: ca },
      stdout: "pipe",
    });
    expect(await child.stdout.text()).toBe("200\n");
  });

  test.each([
    ["missing.pem", undefined, "file_failed"],
    ["empty.pem", "nothing", "config_invalid"],
    [
      "broken.pem",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      "config_invalid",
    ],
  ])("%s is refused", async (name, text, code) => {
    const path = join(root.path, name);
    if (text !== undefined) await Bun.write(path, text);
    const error = await remoteBy(httpsUrl(), { ca: path })
      .readIndex("left")
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
  });
});
