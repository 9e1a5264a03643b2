import { holdsTxt, lookUpTxt } from "#sites/domains/dns.ts";
import type { Ctx } from "#store/ctx.ts";

import type { AcmeClient } from "./acme-client.ts";

/** A TXT record that proves a name to an authority. */
export type DnsRecord = { record: string; value: string };

const HOOK_TIMEOUT_MS = 120_000;
/** Pauses between looks for a new record, two minutes in all. */
const LOOKS_MS = [0, 1, 1, 2, 3, 5, 8, 10, 15, 15, 15, 15, 15, 15].map((seconds) => seconds * 1000);
const MAX_STDERR = 4096;

/**
 * Sets a TXT record by the operator's program (`acme.dnsHook set <record> <value>`) and waits until DNS shows it.
 *
 * @throws certificate_failed where the program fails, or DNS does not show the record in two minutes
 */
export async function setRecord(ctx: Ctx, client: AcmeClient, record: DnsRecord): Promise<void> {
  const problem = await runHook(ctx.config["acme.dnsHook"], "set", record, client.signal);
  if (problem !== undefined) throw client.failed(`the program acme.dnsHook failed: ${problem}`);
  for (const ms of LOOKS_MS) {
    await client.pause(ms);
    const answer = await lookUpTxt(ctx.config["dns.servers"], record.record);
    if (answer.kind === "found" && holdsTxt(answer.strings, record.value)) return;
  }
  throw client.failed(`DNS does not show the TXT record that acme.dnsHook set at ${record.record}`);
}

/** Removes what `setRecord` set. A failure is logged: the record is worth nothing any more. */
export async function removeRecord(ctx: Ctx, record: DnsRecord): Promise<void> {
  const problem = await runHook(ctx.config["acme.dnsHook"], "remove", record);
  if (problem !== undefined) ctx.log.warn("acme.dnsHook failed", { act: "remove", problem });
}

/** Runs the program, never by a shell. Answers what went wrong, or undefined. */
async function runHook(
  program: string,
  act: "set" | "remove",
  { record, value }: DnsRecord,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const spawned = spawnHook([program, act, record, value], signal);
  if (typeof spawned === "string") return spawned;
  const stderr = keepEnd(spawned.stderr);
  const code = await spawned.exited;
  // What the program left running may hold its stderr open for ever.
  const said = await Promise.race([stderr.ended, Bun.sleep(200)]).then(() => stderr.lastLine());
  if (spawned.signalCode !== null) return `it was ended by ${spawned.signalCode}`;
  return code === 0 ? undefined : `it ended with ${code}${said === "" ? "" : `: ${said}`}`;
}

function spawnHook(command: string[], signal: AbortSignal | undefined) {
  try {
    return Bun.spawn(command, {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: HOOK_TIMEOUT_MS,
      killSignal: "SIGKILL",
      ...(signal && { signal }),
    });
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Reads a stream to its end and keeps the last bytes. */
function keepEnd(stream: ReadableStream<Uint8Array>) {
  let text = "";
  const decoder = new TextDecoder();
  const ended = (async () => {
    for await (const part of stream)
      text = `${text}${decoder.decode(part, { stream: true })}`.slice(-MAX_STDERR);
  })().catch(() => undefined);
  return { ended, lastLine: () => text.trim().split("\n").at(-1)?.trim() ?? "" };
}
