/** The sockets of one site behind a bare listener: the address `/burst?n=10` broadcasts ten messages, as a program's notes would. */
import { randomBytes } from "node:crypto";

import { loadConfig } from "#base/config.ts";
import { createHooks } from "#base/hooks.ts";
import { parseDeployId, parseDigest, parseSiteName } from "#base/names.ts";
import type { SocketData } from "#runtime/sockets/socket.ts";
import { createSockets } from "#runtime/sockets/sockets.ts";
import type { ProgramRef } from "#runtime/tenant.ts";
import { type ProgramAsk, UPGRADED } from "#sites/serving/program.ts";

const [port = "0", bytes = "100"] = process.argv.slice(2);
const message = new Uint8Array(Number(bytes)).fill(120);
const config = loadConfig({ data: "/nowhere", env: process.env, flags: {} });
const tenant = { siteId: 1, site: parseSiteName("bench"), deploy: parseDeployId("aaaaaaaaaa") };
const program: ProgramRef = {
  ...tenant,
  digest: parseDigest(`sha256:${"a".repeat(64)}`),
  mapDigest: undefined,
  name: "main.ts",
  language: "ts",
  database: undefined,
};
const silent = (): void => undefined;
const sockets = createSockets({
  config,
  hooks: createHooks(silent),
  log: { info: silent, warn: silent, error: silent },
  now: () => new Date(),
  random: (length) => new Uint8Array(randomBytes(length)),
  handlersOf: async () => ({ fetch: true, scheduled: false, websocket: false }),
  call: async () => undefined,
  currentProgram: async () => program,
  siteAt: async () => undefined,
  tell: (_id, _site, text) => console.error(text),
});
const publish = sockets.binding.notes?.["socket.publish"];
Bun.serve<SocketData>({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  async fetch(request, upgrader) {
    const ask = {
      request,
      site: { id: tenant.siteId, name: tenant.site },
      program: { deploy: tenant.deploy, isLive: true },
      host: "bench",
      peer: { address: () => "127.0.0.1", secure: false, upgrader },
      address: "127.0.0.1",
    } as unknown as ProgramAsk;
    const answer = await sockets.answerUpgrade(ask);
    if (answer) return answer.response === UPGRADED ? undefined : answer.response;
    const count = Number(new URL(request.url).searchParams.get("n"));
    for (let n = 0; n < count; n += 1) publish?.(tenant, { topic: "", text: true }, message);
    return new Response("ok");
  },
  websocket: sockets.websocket,
});
