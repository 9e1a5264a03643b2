import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { type Act, actOf } from "#ui/acts.ts";

const DIR = "/home/ada/my app";
const ask = (fields: Record<string, string>): Act | undefined =>
  actOf({ get: (name) => fields[name] }, new Set([DIR]));
const typed = (fields: Record<string, string>): string | undefined => ask(fields)?.argv.join(" ");

describe("acts", () => {
  test("in a project", () => {
    const dir = DIR;
    expect(typed({ act: "install", dir })).toBe("install");
    expect(typed({ act: "update", dir })).toBe("update");
    expect(typed({ act: "update", dir, name: "left" })).toBe("update -- left");
    expect(typed({ act: "latest", dir, name: "left" })).toBe("update --latest -- left");
    expect(typed({ act: "add", dir, spec: "@ada/left@^1" })).toBe("add -- @ada/left@^1");
    expect(typed({ act: "add-dev", dir, spec: "left", member: "packages/a b" })).toBe(
      "add --dev --workspace packages/a b -- left",
    );
    expect(typed({ act: "add", dir, spec: "left", member: "." })).toBe("add -- left");
    expect(typed({ act: "remove", dir, name: "left" })).toBe("remove -- left");
    expect(typed({ act: "repair", dir })).toBe("verify --repair");
    expect(ask({ act: "repair", dir })?.sure).toEqual({ act: "repair-yes", dir });
  });

  test("of the user", () => {
    expect(typed({ act: "prune-all" })).toBe("store prune --all");
    expect(typed({ act: "install-global", spec: "left" })).toBe("install -g -- left");
    expect(typed({ act: "logout", name: "http://a.test" })).toBe("logout --registry http://a.test");
    expect(typed({ act: "set", key: "cache.maxSize", value: "1GB" })).toBe(
      "config set -- cache.maxSize 1GB",
    );
    expect(typed({ act: "unset", key: "cache.maxSize" })).toBe("config unset -- cache.maxSize");
  });

  test.each([
    "registry.default",
    "registry.trusted",
    "network.proxy",
    "network.ca",
    "security.requireSignatures",
    "hooks.preInstall",
    "plugins.enabled",
    "upgrade.source",
    "__proto__",
  ])("%s, which grants trust, is not set by a page", (key) => {
    expect(ask({ act: "set", key, value: "x" })).toBeUndefined();
    expect(ask({ act: "unset", key })).toBeUndefined();
  });

  test("nothing is done in a folder that is no known project", () => {
    for (const dir of ["/", `${DIR}/`, `${DIR}/../my app`, "", "."])
      expect(ask({ act: "install", dir })).toBeUndefined();
  });

  test.each(["--registry=http://evil.test", "-g", "a b", "a\nb", "a\u0000b", "a\u202eb", "", " "])(
    "the word %j is none",
    (word) => {
      expect(ask({ act: "add", dir: DIR, spec: word })).toBeUndefined();
      expect(ask({ act: "remove", dir: DIR, name: word })).toBeUndefined();
      expect(ask({ act: "logout", name: word })).toBeUndefined();
      expect(ask({ act: "set", key: "cache.maxSize", value: word })).toBeUndefined();
    },
  );

  test("whatever a form holds, no word of it stands where a flag is read", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("-x", "--yes", "left"));
    const acts = fc.constantFrom(
      "install",
      "update",
      "latest",
      "add",
      "add-dev",
      "remove",
      "repair",
      "install-global",
      "uninstall-global",
      "logout",
      "set",
      "unset",
    );
    const form = fc.record(
      {
        act: acts,
        dir: fc.constant(DIR),
        name: text,
        spec: text,
        member: text,
        key: text,
        value: text,
      },
      { requiredKeys: ["act"] },
    );
    fc.assert(
      fc.property(form, (fields) => {
        const argv = ask(fields)?.argv ?? [];
        const given = new Set(
          [fields.name, fields.spec, fields.member, fields.key, fields.value].map((one) =>
            one?.trim(),
          ),
        );
        for (const [at, word] of argv.entries()) {
          if (!word.startsWith("-") || word === "--") continue;
          expect(given.has(word) && !["--yes"].includes(word)).toBe(false);
          expect(argv.indexOf("--") < 0 || at < argv.indexOf("--")).toBe(true);
        }
      }),
    );
  });
});
