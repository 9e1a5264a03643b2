import { expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { renderUnit } from "#commands/service-unit.ts";
import { temporaryFolder } from "#test/support/land.ts";

import { run } from "./world.ts";

async function machine() {
  const folder = await temporaryFolder("service");
  const [bin, units] = [join(folder.path, "bin"), join(folder.path, "units")];
  await mkdir(bin);
  await mkdir(units);
  const args = ["--bin-dir", bin, "--unit-dir", units];
  return { folder, bin, units, args };
}

test("install writes the program and the unit, and a second time changes the unit", async () => {
  const { folder, bin, units, args } = await machine();
  await using _ = folder;
  const first = await run(["service", "install", "--no-start", "--domain", "example.com", ...args]);
  expect(first.exitCode).toBe(0);
  expect((await stat(join(bin, "land"))).mode & 0o777).toBe(0o755);
  const unit = join(units, "land.service");
  expect(await Bun.file(unit).text()).toContain(
    `ExecStart=${bin}/land serve --data /var/lib/land --host 0.0.0.0 --port 80 --domain example.com\n`,
  );
  await run([
    "service",
    "install",
    "--no-start",
    "--domain",
    "example.org",
    "--tls",
    "acme",
    ...args,
  ]);
  expect(await Bun.file(unit).text()).toContain("--domain example.org --tls acme\n");
  expect(await readdir(units)).toEqual(["land.service"]);
  expect(await readdir(bin)).toEqual(["land"]);

  const gone = await run(["service", "uninstall", "--no-start", "--unit-dir", units]);
  expect(gone.exitCode).toBe(0);
  expect(await readdir(units)).toEqual([]);
  const again = await run(["service", "uninstall", "--no-start", "--unit-dir", units, "--json"]);
  expect(again).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("not_found") });
});

test("certificates of an authority need a domain", async () => {
  const ran = await run(["service", "install", "--print", "--tls", "acme"]);
  expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
  expect(ran.stderr).toContain("Give --domain");
});

test("systemctl is called in order, and its refusal is told", async () => {
  const { folder, units, args } = await machine();
  await using _ = folder;
  const calls = join(folder.path, "calls");
  const fake = join(folder.path, "path");
  await mkdir(fake);
  await writeFile(join(fake, "systemctl"), `#!/bin/sh\necho "$@" >> ${calls}\n`);
  await chmod(join(fake, "systemctl"), 0o755);
  const env = { PATH: `${fake}:/bin:/usr/bin` };
  expect((await run(["service", "install", ...args], { env })).exitCode).toBe(0);
  expect(await Bun.file(calls).text()).toBe(
    "daemon-reload\nenable land.service\nrestart land.service\n",
  );
  await writeFile(join(fake, "systemctl"), "#!/bin/sh\necho no bus >&2\nexit 1\n");
  const refused = await run(["service", "uninstall", "--unit-dir", units], { env });
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("no bus") });
  expect(await readdir(units)).toEqual(["land.service"]);
});

test("print shows the unit and changes nothing", async () => {
  const { folder, bin, units, args } = await machine();
  await using _ = folder;
  const printed = await run(["service", "install", "--print", ...args]);
  expect(printed.stdout).toContain("DynamicUser=yes\nStateDirectory=land\n");
  expect([await readdir(bin), await readdir(units)]).toEqual([[], []]);
});

test.each([
  [{ data: "/srv/land" }, "owns folders right below /var/lib/ only"],
  [{ data: "/var/lib/a/b" }, "owns folders right below /var/lib/ only"],
  [{ flags: { domain: "a b" } }, "Cannot write"],
  [{ flags: { domain: "%h" } }, "Cannot write"],
  [{ flags: { domain: "x\nUser=root" } }, "Cannot write"],
  [{ user: "a;b" }, "Cannot write"],
])("refuses %j", (change, problem) => {
  const service = {
    program: "/usr/local/bin/land",
    data: "/var/lib/land",
    user: undefined,
    flags: {},
  };
  expect(() => renderUnit({ ...service, ...change })).toThrow(problem);
});

test.if(Bun.which("systemd-analyze") !== null)("systemd accepts the unit", async () => {
  await using folder = await temporaryFolder("unit");
  const path = join(folder.path, "land.service");
  const unit = {
    program: "/bin/true",
    data: "/var/lib/land",
    user: undefined,
    flags: { port: "80" },
  };
  await Bun.write(path, renderUnit(unit));
  const child = Bun.spawn(["systemd-analyze", "verify", path], { stdout: "pipe", stderr: "pipe" });
  const said = `${await child.stderr.text()}${await child.stdout.text()}`;
  expect(said.split("\n").filter((line) => line.includes("land.service"))).toEqual([]);
  expect(await child.exited).toBe(0);
});
