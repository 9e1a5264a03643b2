import { createHmac, hkdfSync } from "node:crypto";

import { readAccount } from "#accounts/users.ts";
import type { Ctx } from "#store/ctx.ts";

import { holdsTxt, lookUpTxt } from "./dns.ts";

/** Whether a proof stands in DNS. `gone` is a certain answer; with `unreachable` nobody knows. */
export type ProofCheck =
  | { kind: "stands" | "gone"; strings: readonly string[]; problem: string }
  | { kind: "unreachable"; problem: string };

/** The name of the TXT record that proves a host. */
export function proofRecord(host: string): string {
  return `_land.${host}`;
}

/**
 * The value that proves to this server that an account may use a host. Another account has another value for the same host, also
 * one that gets the number of an account that is gone.
 */
export async function makeProof(ctx: Ctx, userId: number, host: string): Promise<string> {
  const { createdAt } = await readAccount(ctx, userId);
  const key = Buffer.from(hkdfSync("sha256", ctx.secret, "", "land domain proof", 32));
  const subject = `${userId} ${createdAt.getTime()} ${host}`;
  return `land-verify=${createHmac("sha256", key).update(subject).digest("base64url")}`;
}

/** Asks DNS whether a proof stands. Answers within 15 seconds and never throws. */
export async function checkProof(
  ctx: Ctx,
  { host, proof }: { host: string; proof: string },
): Promise<ProofCheck> {
  const record = proofRecord(host);
  const answer = await lookUpTxt(ctx.config["dns.servers"], record);
  if (answer.kind === "unreachable") return answer;
  if (answer.kind === "absent")
    return { kind: "gone", strings: [], problem: `there is no TXT record at ${record}` };
  const { strings } = answer;
  return holdsTxt(strings, proof)
    ? { kind: "stands", strings, problem: "" }
    : { kind: "gone", strings, problem: `no TXT record at ${record} has the value` };
}
