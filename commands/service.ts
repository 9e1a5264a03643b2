import { chmod, copyFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

import { fail } from "#base/errors.ts";
import { errorCode, fileFailed, syncFolder, writeFileAtomic } from "#store/files.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { renderUnit, type Service } from "./service-unit.ts";

const UNIT = "land.service";

const folders = {
  unitDir: {
    type: "text",
    value: "DIR",
    about: "Where systemd units go (default: /etc/systemd/system)",
  },
  start: { type: "boolean", default: true, about: "Do not call systemctl" },
} as const;

/** Sets the server up as a systemd service. */
export const install = defineCommand({
  more: `Copies this program to /usr/local/bin/land, writes a hardened unit and starts it, now and at every boot. Run it as root. The
service runs as a user of its own that systemd makes, with its data in /var/lib/land. Running it again with other flags
changes the unit; the data stays. Behind a proxy give --public-url and --trusted-proxies too. Settings without a flag go
into land.toml in the data folder.`,
  examples: [
    "sudo land service install --domain example.com --tls acme",
    "land service install --print --domain example.com # only shows the unit",
    "sudo land service install --domain example.com --host 127.0.0.1 --port 5263 # behind a proxy",
  ],
  args: {
    domain: { type: "text", value: "DOMAIN", about: "Domain of the server" },
    sitesDomain: { type: "text", value: "DOMAIN", about: "Domain under which sites stand" },
    tls: {
      type: "text",
      value: "HOW",
      oneOf: ["off", "files", "acme"],
      about: "Where certificates come from (default: off)",
    },
    host: { type: "text", value: "HOST", about: "Address to listen on (default: 0.0.0.0)" },
    port: { type: "text", value: "PORT", about: "Port to listen on (default: 80)" },
    publicUrl: { type: "text", value: "URL", about: "Address that users see, behind a proxy" },
    trustedProxies: {
      type: "text",
      value: "ADDRESSES",
      about: "Proxies whose X-Forwarded-* headers count, separated by commas",
    },
    data: { type: "text", value: "DIR", about: "Data folder (default: /var/lib/land)" },
    user: {
      type: "text",
      value: "USER",
      about: "Run as this user instead of one that systemd makes",
    },
    binDir: {
      type: "text",
      value: "DIR",
      about: "Where the program goes (default: /usr/local/bin)",
    },
    print: { type: "boolean", about: "Print the unit and change nothing" },
    ...folders,
  },
  async run(context, args) {
    if (args.tls === "acme" && args.domain === undefined)
      throw fail("usage", {
        problem: "Cannot get certificates without a domain",
        hint: "Give --domain, as in --domain example.com",
      });
    const program = join(resolve(context.cwd, args.binDir ?? "/usr/local/bin"), "land");
    const service: Service = {
      program,
      data: resolve(context.cwd, args.data ?? "/var/lib/land"),
      user: args.user,
      flags: {
        host: args.host ?? "0.0.0.0",
        port: args.port ?? "80",
        domain: args.domain,
        "sites-domain": args.sitesDomain,
        tls: args.tls,
        "public-url": args.publicUrl,
        "trusted-proxies": args.trustedProxies,
      },
    };
    const text = renderUnit(service);
    if (args.print) return { value: { unit: text }, text };
    const path = join(resolve(context.cwd, args.unitDir ?? "/etc/systemd/system"), UNIT);
    if (context.interactive)
      await askToGoOn(context, {
        what: "whether to install the service",
        message: `Write ${program} and ${path}${args.start ? ", and start the service" : ""}?`,
      });
    await copyProgram(context.world.binary, program);
    await writeFileAtomic(path, text, { mode: 0o644 });
    if (args.start)
      await systemctl(context, ["daemon-reload"], ["enable", UNIT], ["restart", UNIT]);
    context.say(`Installed ${path}`);
    context.say("The code for the first account stands in the log: journalctl -u land | grep code");
    return { value: { unit: path, program, data: service.data }, text: path };
  },
});

/** Stops the service and removes its unit. */
export const uninstall = defineCommand({
  more: "The data folder and the program stay where they are.",
  examples: ["sudo land service uninstall"],
  args: folders,
  async run(context, args) {
    const path = join(resolve(context.cwd, args.unitDir ?? "/etc/systemd/system"), UNIT);
    if (!(await Bun.file(path).exists()))
      throw fail("not_found", { what: `an installed service at "${path}"` });
    if (args.start) await systemctl(context, ["disable", "--now", UNIT]);
    await rm(path).catch((cause: unknown) => {
      throw fileFailed("remove", path, cause);
    });
    if (args.start) await systemctl(context, ["daemon-reload"]);
    context.say(`Removed ${path}; the data stays`);
    return { value: { unit: path }, text: undefined };
  },
});

/** Puts the running program at `path` whole, unless it is that file already. A service that runs the old one keeps it. */
async function copyProgram(from: string, path: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    if (await isSameFile(from, path)) return;
    await copyFile(from, temporary);
    await chmod(temporary, 0o755);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw fileFailed("write", path, cause);
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(a), stat(b).catch(absent)]);
  return other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

function absent(cause: unknown): undefined {
  if (errorCode(cause) === "ENOENT") return undefined;
  throw cause;
}

/** Runs systemctl, one call after another. @throws file_failed with what it said */
async function systemctl(
  { env, signal }: Context,
  ...calls: readonly (readonly string[])[]
): Promise<void> {
  for (const args of calls) {
    const path = Bun.which("systemctl", { PATH: env["PATH"] ?? "" });
    if (path === null)
      throw fail("file_failed", {
        action: "run",
        path: "systemctl",
        problem: "this system has none; --no-start only writes the files",
      });
    const child = Bun.spawn([path, ...args], { env, signal, stdio: ["ignore", "ignore", "pipe"] });
    const [problem, code] = await Promise.all([child.stderr.text(), child.exited]);
    if (code !== 0)
      throw fail("file_failed", {
        action: "run",
        path: `systemctl ${args.join(" ")}`,
        problem: problem.trim() || `it ended with ${code}`,
      });
  }
}
