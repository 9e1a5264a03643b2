import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { requireWrite } from "#accounts/guard.ts";
import { checkLogin } from "#accounts/login.ts";
import { createAccount } from "#accounts/register.ts";
import { endSession, startSession } from "#accounts/session.ts";
import { type LandError, toLandError } from "#base/errors.ts";
import { checkForm } from "#http/csrf.ts";
import { problemHeaders } from "#http/problems.ts";
import { packagesOf } from "#registry/read.ts";
import type { Ctx } from "#store/ctx.ts";

import { DashboardPage } from "./dashboard.tsx";
import {
  answerPage,
  type Form,
  ownPath,
  type PageStatus,
  readForm,
  readVisit,
  redirect,
  visitorFrame,
} from "./frame.ts";
import { LoginPage, type LoginProps } from "./login.tsx";
import { RegisterPage, type RegisterProps } from "./register.tsx";
import type { FormProblems } from "./ui.tsx";

const HOME = "/dashboard";

/** `/login`, `/register`, `/logout` and `/dashboard`. */
export function accountPages(ctx: Ctx) {
  return new Elysia({ name: "web.account" })
    .get("/login", ({ request, query }) => showLogin(ctx, request, { next: query["next"] }))
    .post("/login", ({ request }) => takeLogin(ctx, request), { parse: "none" })
    .get("/register", ({ request }) => showRegister(ctx, request, {}))
    .post("/register", ({ request }) => takeRegister(ctx, request), { parse: "none" })
    .post("/logout", ({ request }) => takeLogout(ctx, request), { parse: "none" })
    .get("/dashboard", async ({ request }) => {
      const { frame, actor } = await readVisit(ctx, request);
      if (!actor || !frame.user) return redirect("/login?next=/dashboard");
      const packages = await packagesOf(ctx, actor, actor.name);
      return answerPage(DashboardPage({ frame: { ...frame, user: frame.user }, packages }), {
        isSecret: true,
      });
    });
}

type Back<Props> = Omit<Props, "frame" | "registration"> & { error?: LandError };

async function showLogin(ctx: Ctx, request: Request, back: Back<LoginProps>): Promise<Response> {
  const visit = await readVisit(ctx, request);
  const next = ownPath(back.next ?? "", HOME);
  if (visit.actor && !back.error) return redirect(next);
  const { frame, cookie } = visitorFrame(ctx, request, { ...visit.frame, user: undefined });
  return answerPage(LoginPage({ ...back, frame, next }), {
    ...statusOf(back.error),
    cookie,
    isSecret: true,
  });
}

async function takeLogin(ctx: Ctx, request: Request): Promise<Response> {
  const form = await readForm(request);
  checkForm(ctx, request, form.token);
  const username = form.text("username").trim();
  const next = ownPath(form.text("next"), HOME);
  try {
    const account = await checkLogin(ctx, { username, password: form.text("password") });
    const { cookie } = await startSession(ctx, account.id, request);
    return redirect(next, cookie);
  } catch (thrown) {
    const error = ofTheForm(thrown);
    return showLogin(ctx, request, {
      next,
      values: { username },
      problems: { problem: error.message },
      error,
    });
  }
}

async function showRegister(
  ctx: Ctx,
  request: Request,
  back: Back<RegisterProps>,
): Promise<Response> {
  const visit = await readVisit(ctx, request);
  if (visit.actor && !back.error) return redirect(HOME);
  const { registration } = ctx.config;
  const { frame, cookie } = visitorFrame(ctx, request, { ...visit.frame, user: undefined });
  return answerPage(RegisterPage({ ...back, frame, registration }), {
    ...statusOf(back.error),
    cookie,
    isSecret: true,
  });
}

async function takeRegister(ctx: Ctx, request: Request): Promise<Response> {
  const form = await readForm(request);
  checkForm(ctx, request, form.token);
  const values = valuesOf(form);
  try {
    const account = await createAccount(ctx, { ...values, password: form.text("password") });
    const { cookie } = await startSession(ctx, account.id, request);
    return redirect(`${HOME}?done=welcome`, cookie);
  } catch (thrown) {
    const error = ofTheForm(thrown);
    return showRegister(ctx, request, { values, problems: problemsOf(error), error });
  }
}

function valuesOf(form: Form): { username: string; email: string; code: string } {
  return {
    username: form.text("username").trim(),
    email: form.text("email").trim(),
    code: form.text("code").trim(),
  };
}

async function takeLogout(ctx: Ctx, request: Request): Promise<Response> {
  const form = await readForm(request);
  const actor = await identify(ctx, request);
  if (!actor) return redirect("/?done=signed-out");
  requireWrite(ctx, request, actor, form.csrf);
  const { cookie } = await endSession(ctx, request);
  return redirect("/?done=signed-out", cookie);
}

/** Puts an error to the field that it is about. */
function problemsOf(error: LandError): FormProblems {
  const field = FIELD_OF[error.code] ?? error.data?.["field"];
  if (typeof field !== "string" || !FIELDS.has(field)) return { problem: error.message };
  return { problem: "Cannot make the account yet", fields: { [field]: error.message } };
}
const FIELDS = new Set(["username", "email", "password", "code"]);
const FIELD_OF: Record<string, string> = {
  name_invalid: "username",
  name_reserved: "username",
  invite_required: "code",
};

/** What the form's sender can mend; anything else is a page of its own. */
export function ofTheForm(thrown: unknown): LandError {
  const error = toLandError(thrown);
  if (error.status >= 500) throw error;
  return error;
}

/** Status and headers of a form that comes back. No 401: browsers would ask for a password in a box of their own. */
export function statusOf(error: LandError | undefined): PageStatus {
  if (!error) return {};
  return error.status === 401
    ? { status: 422 }
    : { status: error.status, headers: problemHeaders(error) };
}
