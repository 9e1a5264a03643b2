import { sameText } from "#base/tokens.ts";
import { cookieName, readCookies, writeCookie } from "#http/cookies.ts";
import type { Ctx } from "#store/ctx.ts";

import type { SiteRow } from "../rights.ts";
import { gateState } from "./gate-state.ts";

/** What a gate must know of its site. */
export type GatedSite = Pick<
  SiteRow,
  "id" | "name" | "protection" | "passwordHash" | "gateVersion" | "maintenance"
>;

/** A ticket that was handed in: who made it, and the path on the site it leads to. */
export type Ticket = { userId: number; path: string };

const PASS = "land-pass";
const DAY_SECONDS = 86_400;
/** For who typed the password. */
export const PASSWORD_PASS_SECONDS = 30 * DAY_SECONDS;
/** For who came by account: the dashboard gives the next one unasked, unless the account is gone meanwhile. */
export const ACCOUNT_PASS_SECONDS = DAY_SECONDS;
const TICKET_SECONDS = 60;
const NUMBER = /^[1-9]\d{0,11}$/;

/** The Set-Cookie value that lets a visitor into one site, at the one host that sets it. */
export function passCookie(
  ctx: Ctx,
  site: GatedSite,
  options: { secure: boolean; seconds: number },
): string {
  const { secure, seconds } = options;
  const end = String(Math.floor(ctx.now().getTime() / 1000) + seconds);
  const pass = `${end}.${gateState(ctx).sign("pass", passText(site, end))}`;
  return writeCookie(cookieName(PASS, secure), pass, { secure, maxAgeSeconds: seconds });
}

/**
 * Whether a request carries a pass for a site that still holds. Any cookie of that name may be the one: other hosts under the
 * same domain can add more where there is no https, but none that is signed for this site.
 */
export function hasPass(ctx: Ctx, site: GatedSite, request: Request, secure: boolean): boolean {
  for (const pass of readCookies(request, cookieName(PASS, secure))) {
    const [end = "", mac = "", ...more] = pass.split(".");
    if (more.length > 0 || !NUMBER.test(end) || Number(end) * 1000 <= ctx.now().getTime()) continue;
    if (sameText(mac, gateState(ctx).sign("pass", passText(site, end)))) return true;
  }
  return false;
}

/**
 * A Cookie header without the passes of gates: they are between the visitor's browser and the server, and whoever reads one can
 * be that visitor. Undefined: nothing else is in it.
 */
export function withoutPasses(cookies: string): string | undefined {
  const names = new Set([PASS, cookieName(PASS, true)]);
  const kept = cookies
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "" && !names.has(pair.split("=", 1)[0]?.trim() ?? ""));
  return kept.length > 0 ? kept.join("; ") : undefined;
}

function passText({ id, gateVersion }: GatedSite, end: string): string {
  return `${id} ${gateVersion} ${end}`;
}

/** A ticket that lets one visitor into a site at one host, once, within a minute. */
export function makeTicket(
  ctx: Ctx,
  site: GatedSite,
  { host, ...ticket }: Ticket & { host: string },
): string {
  const end = ctx.now().getTime() + TICKET_SECONDS * 1000;
  const nonce = Buffer.from(ctx.random(16)).toString("base64url");
  const { userId, path } = ticket;
  const text = Buffer.from(JSON.stringify([userId, end, nonce, path])).toString("base64url");
  return `${text}.${gateState(ctx).sign("ticket", ticketText(site, host, text))}`;
}

/**
 * Takes a ticket in. `fresh` tells whether it lets in: one that is over or was used leads to its path at most. Undefined: it
 * was not made for this site and host.
 */
export function takeTicket(
  ctx: Ctx,
  site: GatedSite,
  { host, sent }: { host: string; sent: string },
): { fresh: boolean; path: string } | undefined {
  const [text = "", mac = "", ...more] = sent.split(".");
  const { sign, used: usedAt } = gateState(ctx);
  if (more.length > 0 || !sameText(mac, sign("ticket", ticketText(site, host, text))))
    return undefined;
  const [end, path] = readTicket(text);
  const used = usedAt(site.id);
  const over = end <= ctx.now().getTime() || used.has(mac);
  return { fresh: !over && used.add(mac, new Date(end)), path };
}

function ticketText({ id, gateVersion }: GatedSite, host: string, text: string): string {
  return `${id} ${gateVersion} ${host} ${text}`;
}

/** Of a ticket whose signature is right, so that it is of our making. */
function readTicket(text: string): [end: number, path: string] {
  const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  const [, end, , path]: unknown[] = Array.isArray(value) ? value : [];
  return [Number(end), String(path)];
}
