import type { Actor } from "#accounts/actor.ts";
import { identifyWriter } from "#accounts/guard.ts";
import type { LandError } from "#base/errors.ts";
import { type PageRequest, parsePage } from "#http/page.ts";
import { readSite } from "#sites/site/sites-read.ts";
import type { Ctx } from "#store/ctx.ts";

import { ofTheForm } from "./account-pages.tsx";
import { type Form, readForm, readVisit, redirect } from "./frame.ts";
import type { SiteFrame } from "./site-layout.tsx";
import type { FormProblems } from "./ui.tsx";

/** Who looks at which site. */
export type SiteVisit = SiteFrame & { actor: Actor };

/** Reads who looks and the site; a visitor who is not signed in is sent to do so, and back. */
export async function readSiteVisit(
  ctx: Ctx,
  request: Request,
  name: string,
): Promise<SiteVisit | Response> {
  const { frame, actor } = await readVisit(ctx, request);
  if (!actor) return toLogin(request);
  return { frame, actor, site: await readSite(ctx, actor, name) };
}

/** The way to the login page and back here. */
export function toLogin(request: Request): Response {
  const { pathname, search } = new URL(request.url);
  return redirect(`/login?next=${encodeURIComponent(pathname + search)}`);
}

/** The page of a list that the address asks for, and whether it is a later one. */
export function pageOfQuery(
  query: Readonly<Record<string, string | undefined>>,
  limit: number,
): { page: PageRequest; isLater: boolean } {
  const { cursor } = query;
  const page = parsePage({ limit: String(limit), ...(cursor !== undefined && { cursor }) });
  return { page, isLater: cursor !== undefined };
}

/** Reads a form and does what it asks for; then shows `to`. What the verb throws comes out. */
export async function act(
  ctx: Ctx,
  request: Request,
  to: string,
  verb: (actor: Actor, form: Form) => Promise<unknown>,
): Promise<Response> {
  const form = await readForm(request);
  await verb(await identifyWriter(ctx, request, form.csrf), form);
  return redirect(to);
}

/**
 * The same for a form that comes back with what was wrong with it: `again` shows it, with the error put to the field that it
 * is about.
 */
export async function actOrAgain(
  ctx: Ctx,
  request: Request,
  verb: (actor: Actor, form: Form) => Promise<Response>,
  again: (form: Form, problems: FormProblems, error: LandError) => Promise<Response>,
): Promise<Response> {
  const form = await readForm(request);
  const actor = await identifyWriter(ctx, request, form.csrf);
  try {
    return await verb(actor, form);
  } catch (thrown) {
    const error = ofTheForm(thrown);
    return again(form, problemsOf(error), error);
  }
}

function problemsOf(error: LandError): FormProblems {
  const { message, hint } = error;
  const text = hint ? `${message}. ${hint}` : message;
  const field = error.data?.["field"];
  if (typeof field !== "string") return { problem: text };
  return { problem: "Cannot take it yet", fields: { [field]: text } };
}
