import { expect, test } from "bun:test";
import { join } from "node:path";

import { land, startLand, temporaryFolder } from "../support/land.ts";
import { deployArgs, readWholeBuild, signUpByBinary, writeBuild } from "../support/site.ts";

test("sites, the authority of https and traffic outlive a restart, and the memory stays small", async () => {
  await using folder = await temporaryFolder("restart");
  const at = (...path: string[]): string => join(folder.path, ...path);
  await Bun.write(at("home/.keep"), "");
  const home = at("home");
  const start = () =>
    startLand({
      data: at("data"),
      home,
      args: ["--tls", "dev"],
      env: { LAND_TLS_REDIRECT: "off" },
    });
  /** The page by https, checked against a root. */
  const readSecurely = async (log: string, ca: string): Promise<string> => {
    const port = /^land listens for https on https:\/\/localhost:(\d+)$/m.exec(log)?.[1] ?? "";
    const answer = await fetch(`https://127.0.0.1:${port}/`, {
      headers: { host: `keeps.localhost:${port}` },
      tls: { ca, serverName: "keeps.localhost" },
    });
    return /<title>(.*)<\/title>/.exec(await answer.text())?.[1] ?? "";
  };
  let server = await start();
  const token = await signUpByBinary(server, home);
  const run = async (...args: string[]) => {
    const env = { LAND_REGISTRY: server.url, LAND_TOKEN: token };
    const done = await land(args, { cwd: home, home, env });
    expect(done).toMatchObject({ exitCode: 0 });
    return done;
  };
  for (const build of ["one", "two"]) {
    await writeBuild(at(build), build);
    await run(...deployArgs("keeps", at(build)));
  }
  for (let visit = 0; visit < 20; visit += 1)
    expect(await readWholeBuild(server, "keeps")).toBe("two");
  const authority = await Bun.file(at("data/tls/ca.pem")).text();
  expect(await readSecurely(server.log(), authority)).toBe("two");
  expect(await server.end("SIGTERM")).toBe(0);

  server = await start();
  await using again = server;
  expect(await readWholeBuild(again, "keeps")).toBe("two");
  expect(await Bun.file(at("data/tls/ca.pem")).text()).toBe(authority);
  expect(await readSecurely(again.log(), authority)).toBe("two");
  const traffic = (await run("traffic", "--site", "keeps", "--json")).json<{
    total: { requests: number };
  }>();
  expect(traffic.total.requests).toBeGreaterThanOrEqual(20 * 30);
  const back = await run("rollback", "--site", "keeps", "--json");
  expect(back.json()).toMatchObject({ site: "keeps" });
  expect(await readWholeBuild(again, "keeps")).toBe("one");
  expect(await residentMegabytes(again.pid)).toBeLessThan(200);
}, 60_000);

async function residentMegabytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
