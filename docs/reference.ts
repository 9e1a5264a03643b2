import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { environmentName } from "#base/config.ts";
import { type ConfigKey, type Setting, SETTINGS } from "#base/settings.ts";
import { type ApiPaths, renderApiText } from "#http/api-text.ts";
import { CLIENT_KEYS, settingOf, variableOfSetting } from "#remote/config/settings.ts";
import { renderSetting } from "#remote/config/value.ts";
import { createApp, describeApi } from "#server/app.ts";
import { boot } from "#server/boot.ts";
import { startFunctions } from "#server/functions.ts";

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
    ...clientSettings(),
    "",
  ].join("\n");
}

function clientSettings(): string[] {
  const rows = CLIENT_KEYS.map((key) => {
    const { default: value, about, oneOf, project } = settingOf(key);
    const shown = renderSetting(key, value);
    const choices = oneOf ? `. One of ${oneOf.map((choice) => `\`${choice}\``).join(", ")}` : "";
    const may = { yes: "yes", no: "no", tighten: "stricter only" }[project];
    return `| \`${key}\` | \`${variableOfSetting(key)}\` | ${shown === "" ? "none" : shown} | ${may} | ${about}${choices}. |`;
  });
  return [
    "# Settings of the client",
    "",
    "A setting of the other commands comes from `config.json` in `LAND_HOME` (`~/.land`), from `config` in the `land.json` of the project, from",
    "the environment, or from a flag; the later wins. `land config set` changes the first, with `--project` the second, and `land config list`",
    "shows all and where each comes from. A project may not set what grants trust, and of what protects only what is stricter than the user",
    "has it. In both files the part before the dot is a section: `{ \"network\": { \"concurrency\": 16 } }`; `config.json` may hold comments and has",
    "`\"version\": 1`. Sizes are written `5GB`, `500MB` or as bytes, times `90d` or `30s`, a list in the environment separated by commas. An unknown",
    "key is warned of and kept.",
    "",
    "| Key | Environment | Default | Project | |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    "## Proxies and certificates",
    "",
    "Without `network.proxy` the usual variables count: `HTTPS_PROXY` or `HTTP_PROXY`, else `ALL_PROXY`, in small letters first. A proxy is",
    "`http://` or `https://`, with `user:password@` where it wants that. Hosts of `network.noProxy`, else of `NO_PROXY`, are asked without it: a",
    "host with all below it (`example.com`), one port of it (`example.com:8443`), an address, a network (`10.0.0.0/8`), or `*`. This machine is",
    "never asked through a proxy, unless `<-loopback>` stands in the list.",
    "",
    "https trusts the authorities that come with land, those of the system, those of `NODE_EXTRA_CA_CERTS` and `SSL_CERT_FILE`, and those of the",
    "file `network.ca`.",
    "",
    "## Credentials",
    "",
    "`LAND_TOKEN` is sent to `LAND_REGISTRY`, or without that to `registry.default`, and nowhere else. What `land login` gets is kept for the one",
    "registry: in the keychain of the system where that works, else in `credentials.json` in `LAND_HOME`, which only the user can read. The",
    "keychain is not touched in CI, without a desktop session, by ssh on macOS, or with `credentials.keychain` off; whether it answers is found",
    "out once, within two seconds, and kept in `keychain.json` for a week. `land logout` removes the token from both.",
  ];
}

/** The whole of docs/api.md: the calls of a server, and every error code. */
export async function renderApi(): Promise<string> {
  return `# The API\n\nGenerated from the program by \`bun run docs\`; a server shows it at \`/docs/api\`.\n\n${renderApiText(await readPaths())}`;
}

async function readPaths(): Promise<ApiPaths> {
  const data = await mkdtemp(join(tmpdir(), "land-docs-"));
  const booted = await boot({
    data,
    flags: {},
    env: {},
    now: () => new Date(0),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    writeLog: () => undefined,
  });
  const functions = startFunctions(booted.ctx, { note: () => undefined });
  try {
    return describeApi(booted.ctx, createApp(booted.ctx, functions.runtime).routes).paths;
  } finally {
    await functions.stop();
    await booted.close();
    await rm(data, { recursive: true, force: true });
  }
}
