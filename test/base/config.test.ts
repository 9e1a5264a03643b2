import { expect, test } from "bun:test";

import { environmentName, loadConfig } from "#base/config.ts";
import { LandError } from "#base/errors.ts";

const load = (toml = "", env = {}, flags = {}) => loadConfig({ data: "/d", toml, env, flags });

test("each layer wins over the one below", () => {
  expect(load().port).toBe(5263);
  expect(load("port = 1").port).toBe(1);
  expect(load("port = 1", { LAND_PORT: "2" }).port).toBe(2);
  expect(load("port = 1", { LAND_PORT: "2" }, { port: "3" }).port).toBe(3);
  expect(load("[limits]\npackedBytes = 4096")["limits.packedBytes"]).toBe(4096);
  expect(load("", { LAND_TRUSTED_PROXIES: "10.0.0.1, ::1" }).trustedProxies).toEqual([
    "10.0.0.1",
    "::1",
  ]);
});

test("registration is open only on this machine", () => {
  expect(load().registration).toBe("open");
  expect(load("", {}, { host: "0.0.0.0" }).registration).toBe("invite");
  expect(load("", {}, { domain: "example.com" }).registration).toBe("invite");
  expect(load("", {}, { host: "0.0.0.0", registration: "open" }).registration).toBe("open");
});

test("variables are named after keys", () => {
  expect(environmentName("limits.packedBytes")).toBe("LAND_LIMITS_PACKED_BYTES");
  expect(environmentName("publicUrl")).toBe("LAND_PUBLIC_URL");
});

test.each([
  ["nonsense = 1", {}, "nonsense"],
  ["port = 70000", {}, "port"],
  ['port = "x"', {}, "port"],
  ["[limits]\nnothing = 1", {}, "limits.nothing"],
  ["port = ", {}, "the file"],
  ["", { LAND_REGISTRATION: "maybe" }, "registration"],
  ["", { LAND_DOMAIN: "Exa mple" }, "domain"],
  ["", { LAND_PUBLIC_URL: "ftp://x" }, "publicUrl"],
  ["", { LAND_PUBLIC_URL: "https://x.org/path" }, "publicUrl"],
  ["", { LAND_PORT: "-1" }, "port"],
])("%p %p is refused, naming %s", (toml, env, key) => {
  let thrown: unknown;
  try {
    load(toml, env);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(LandError);
  expect(thrown).toMatchObject({ code: "config_invalid", exitCode: 2, data: { key } });
});

test("a value of the command line is refused by the flag that was typed", () => {
  expect(() => loadConfig({ data: "/data", env: {}, flags: { publicUrl: "foo" } })).toThrow(
    "Cannot use publicUrl from --public-url: use an address like",
  );
});
