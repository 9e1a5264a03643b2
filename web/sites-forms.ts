import { Elysia } from "elysia";

import { identify } from "#accounts/actor.ts";
import { identifyWriter, requireActor, requireWrite } from "#accounts/guard.ts";
import { createToken, revokeToken } from "#accounts/tokens.ts";
import { fail } from "#base/errors.ts";
import { parseDeployId } from "#base/names.ts";
import { prefersHtml } from "#http/accept.ts";
import { requireOwnOrigin } from "#http/origin.ts";
import { deployArchive } from "#sites/deploys/archive-deploy.ts";
import { deleteDeploy } from "#sites/deploys/deploy-delete.ts";
import { rollback } from "#sites/deploys/rollback.ts";
import { readFolderUpload } from "#sites/deploys/upload-folder.ts";
import { addDomain } from "#sites/domains/domain-add.ts";
import { removeDomain } from "#sites/domains/domain-remove.ts";
import { verifyDomain } from "#sites/domains/domain-verify.ts";
import type { Protection, Role } from "#sites/model.ts";
import { deleteMember, putMember } from "#sites/site/members.ts";
import { updateSite } from "#sites/site/settings.ts";
import { createSite } from "#sites/site/sites-create.ts";
import { deleteSite } from "#sites/site/sites-delete.ts";
import { readSite } from "#sites/site/sites-read.ts";
import type { Ctx } from "#store/ctx.ts";

import { ofTheForm, statusOf } from "./account-pages.tsx";
import { type Form, redirect } from "./frame.ts";
import { sitePath, type SiteTab } from "./site-layout.tsx";
import { act, actOrAgain } from "./site-visit.ts";
import { showDeploys, showDomains, showPeople, showSettings, showSites } from "./sites-pages.ts";

const NONE = { parse: "none" } as const;

/** The forms of the pages of sites. */
export function sitesForms(ctx: Ctx) {
  return new Elysia({ name: "web.sites.forms", prefix: "/sites" })
    .post("/", ({ request }) => takeSite(ctx, request), NONE)
    .post("/:site/settings", ({ request, params }) => takeSettings(ctx, request, params.site), NONE)
    .post(
      "/:site/settings/keys",
      ({ request, params }) => takeKeyPrograms(ctx, request, params.site),
      NONE,
    )
    .post("/:site/delete", ({ request, params }) => takeDelete(ctx, request, params.site), NONE)
    .use(deployForms(ctx))
    .use(domainForms(ctx))
    .use(peopleForms(ctx));
}

function deployForms(ctx: Ctx) {
  return new Elysia()
    .post("/:site/upload", ({ request, params }) => takeArchive(ctx, request, params.site), NONE)
    .post(
      "/:site/upload/folder",
      async ({ request, params }) =>
        Response.json(
          await readFolderUpload(ctx, await identifyWriter(ctx, request), request, params.site),
          { headers: { "cache-control": "no-store" } },
        ),
      NONE,
    )
    .post(
      "/:site/deploys/:id/release",
      ({ request, params: { site, id } }) =>
        act(ctx, request, `${sitePath(site)}?done=released`, (actor) =>
          rollback(ctx, actor, site, { deploy: parseDeployId(id) }),
        ),
      NONE,
    )
    .post(
      "/:site/deploys/:id/delete",
      ({ request, params: { site, id } }) =>
        act(ctx, request, `${sitePath(site)}?done=deploy-deleted`, (actor) =>
          deleteDeploy(ctx, actor, site, parseDeployId(id)),
        ),
      NONE,
    );
}

/** A part of a site's page, with the word for what was done. */
function doneAt(site: string, tab: SiteTab, done: string): string {
  return `${sitePath(site, tab)}?done=${done}`;
}

function domainForms(ctx: Ctx) {
  return new Elysia()
    .post("/:site/domains", ({ request, params }) => takeDomain(ctx, request, params.site), NONE)
    .post(
      "/:site/domains/:host/verify",
      ({ request, params: { site, host } }) =>
        actOrAgain(
          ctx,
          request,
          async (actor) => {
            await verifyDomain(ctx, actor, { site, host });
            return redirect(doneAt(site, "domains", "domain-verified"));
          },
          (_form, problems, error) =>
            showDomains(
              { ctx, request, site, query: {} },
              { form: { host: "", problems } },
              statusOf(error),
            ),
        ),
      NONE,
    )
    .post(
      "/:site/domains/:host/remove",
      ({ request, params: { site, host } }) =>
        act(ctx, request, doneAt(site, "domains", "domain-removed"), (actor) =>
          removeDomain(ctx, actor, { site, host }),
        ),
      NONE,
    );
}

function peopleForms(ctx: Ctx) {
  return new Elysia()
    .post("/:site/members", ({ request, params }) => takeMember(ctx, request, params.site), NONE)
    .post(
      "/:site/members/remove",
      ({ request, params: { site } }) =>
        act(ctx, request, doneAt(site, "people", "member-removed"), (actor, form) =>
          deleteMember(ctx, actor, { site, user: form.text("user") }),
        ),
      NONE,
    )
    .post("/:site/keys", ({ request, params }) => takeKey(ctx, request, params.site), NONE)
    .post(
      "/:site/keys/:id/revoke",
      ({ request, params: { site, id } }) =>
        act(ctx, request, doneAt(site, "people", "token-revoked"), (actor) =>
          revokeToken(ctx, actor, id),
        ),
      NONE,
    );
}

/** Deploys the archive of the form; answers JSON to the script of the page, which shows how far it is. */
async function takeArchive(ctx: Ctx, request: Request, site: string): Promise<Response> {
  const actor = requireActor(await identify(ctx, request));
  // The security token comes within the body: until then the origin alone must do.
  if (actor.via.kind === "session") requireOwnOrigin(ctx, request);
  const byScript = !prefersHtml(request.headers.get("accept"));
  try {
    const done = await deployArchive(ctx, actor, request, {
      site,
      judge: (texts) => requireWrite(ctx, request, actor, texts),
    });
    return byScript
      ? Response.json(done, { headers: { "cache-control": "no-store" } })
      : redirect(`${sitePath(site)}?done=${done.live ? "deployed" : "drafted"}`);
  } catch (thrown) {
    if (byScript) throw thrown;
    const error = ofTheForm(thrown);
    const { message, hint } = error;
    const problem = hint ? `${message}. ${hint}` : message;
    return showDeploys(
      { ctx, request, site, query: {} },
      { problems: { problem } },
      statusOf(error),
    );
  }
}

function takeSite(ctx: Ctx, request: Request): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const { name } = await createSite(ctx, actor, { name: form.text("name").trim() });
      return redirect(`${sitePath(name)}?done=site-made`);
    },
    (form, problems, error) =>
      showSites(
        { ctx, request, query: {} },
        { form: { name: form.text("name"), problems } },
        statusOf(error),
      ),
  );
}

function takeSettings(ctx: Ctx, request: Request, site: string): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const protection = protectionOf(form);
      const password = form.text("password");
      await updateSite(ctx, actor, site, {
        protection,
        maintenance: form.text("maintenance") === "true",
        ...(protection === "password" && password !== "" && { password }),
      });
      return redirect(`${sitePath(site, "settings")}?done=site-saved`);
    },
    (_form, problems, error) =>
      showSettings({ ctx, request, site, query: {} }, { problems }, statusOf(error)),
  );
}

function takeKeyPrograms(ctx: Ctx, request: Request, site: string): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      await updateSite(ctx, actor, site, { keyPrograms: form.text("keyPrograms") === "true" });
      return redirect(doneAt(site, "settings", "site-saved"));
    },
    (_form, problems, error) =>
      showSettings({ ctx, request, site, query: {} }, { keyProblems: problems }, statusOf(error)),
  );
}

function protectionOf(form: Form): Protection {
  const text = form.text("protection");
  if (text === "none" || text === "password" || text === "members") return text;
  throw fail("invalid_input", { field: "protection", problem: "choose who may look" });
}

function takeDelete(ctx: Ctx, request: Request, site: string): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      if (form.text("confirm").trim() !== site)
        throw fail("invalid_input", { field: "confirm", problem: `type "${site}"` });
      await deleteSite(ctx, actor, site);
      return redirect("/sites?done=site-deleted");
    },
    (_form, problems, error) =>
      showSettings(
        { ctx, request, site, query: {} },
        { deleteProblems: problems },
        statusOf(error),
      ),
  );
}

function takeDomain(ctx: Ctx, request: Request, site: string): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      await addDomain(ctx, actor, site, { host: form.text("host").trim() });
      return redirect(`${sitePath(site, "domains")}?done=domain-added`);
    },
    (form, problems, error) =>
      showDomains(
        { ctx, request, site, query: {} },
        { form: { host: form.text("host"), problems } },
        statusOf(error),
      ),
  );
}

function takeMember(ctx: Ctx, request: Request, site: string): Promise<Response> {
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const user = form.text("user").trim();
      await putMember(ctx, actor, { site, user }, roleOf(form));
      return redirect(`${sitePath(site, "people")}?done=member-set`);
    },
    (form, problems, error) =>
      showPeople(
        { ctx, request, site, query: {} },
        { memberForm: { user: form.text("user"), problems } },
        statusOf(error),
      ),
  );
}

function roleOf(form: Form): Role {
  const role = form.text("role");
  if (role === "owner" || role === "developer" || role === "viewer") return role;
  throw fail("invalid_input", { field: "role", problem: "choose a role" });
}

/** Makes a key and shows its secret on this answer alone. */
function takeKey(ctx: Ctx, request: Request, site: string): Promise<Response> {
  const page = { ctx, request, site, query: {} };
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      // A key to a site that is not theirs would open nothing, and its secret would be lost with this answer.
      await readSite(ctx, actor, site);
      const days = form.text("expiresInDays");
      const newKey = await createToken(ctx, actor, {
        name: form.text("name").trim().slice(0, 64),
        scopes: [`${scopeOf(form)}:${site}`],
        ...(/^\d{1,4}$/.test(days) && { expiresInDays: Number(days) }),
      });
      return showPeople(page, { newKey });
    },
    (form, problems, error) =>
      showPeople(page, { keyForm: { name: form.text("name"), problems } }, statusOf(error)),
  );
}

function scopeOf(form: Form): "deploy" | "stats" | "site" {
  const scope = form.text("scope");
  if (scope === "deploy" || scope === "stats" || scope === "site") return scope;
  throw fail("invalid_input", { field: "scope", problem: "choose what it may" });
}
