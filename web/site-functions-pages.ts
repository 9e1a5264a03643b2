import { Elysia } from "elysia";

import { fail } from "#base/errors.ts";
import type { FunctionsInfo } from "#runtime/model.ts";
import {
  readFunctions,
  removeDatabase,
  type StatusParts,
  updateFunctions,
} from "#runtime/status/status.ts";
import type { Ctx } from "#store/ctx.ts";

import { statusOf } from "./account-pages.tsx";
import { answerPage, type Form, type PageStatus, redirect } from "./frame.ts";
import { type Quota, QUOTA_NAMES, type QuotaForm, SiteFunctionsPage } from "./site-functions.tsx";
import { sitePath } from "./site-layout.tsx";
import { actOrAgain, readSiteVisit } from "./site-visit.ts";
import type { FormProblems } from "./ui.tsx";

type Params = { ctx: Ctx; runtime: StatusParts; request: Request; site: string };

const MIB = 1024 * 1024;

/** The overview of a site's functions, for members, and the form of its quotas, for admins. */
export function functionPages(ctx: Ctx, runtime: StatusParts) {
  return new Elysia({ name: "web.functions", prefix: "/sites" })
    .get("/:site/functions", ({ request, params: { site } }) =>
      show({ ctx, runtime, request, site }, {}),
    )
    .post(
      "/:site/functions",
      ({ request, params: { site } }) => takeQuotas({ ctx, runtime, request, site }),
      { parse: "none" },
    )
    .post(
      "/:site/functions/database",
      ({ request, params: { site } }) => takeRemoval({ ctx, runtime, request, site }),
      { parse: "none" },
    );
}

async function show(
  { ctx, runtime, request, site: name }: Params,
  { quotas: back, removal }: { quotas?: QuotaForm; removal?: FormProblems },
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, name);
  if (visit instanceof Response) return visit;
  const functions = await readFunctions(ctx, runtime, visit.actor, name);
  const quotas = visit.actor.isAdmin ? (back ?? { typed: typedOf(ctx, functions) }) : undefined;
  return answerPage(SiteFunctionsPage({ ...visit, functions, quotas, removal }), status);
}

/** Quotas as they would be typed: what the server allows to all is left empty. */
function typedOf({ config }: Ctx, { limits }: FunctionsInfo): QuotaForm["typed"] {
  const text = (name: Quota): string =>
    limits[name] === config[`functions.${name}`] ? "" : String(Math.floor(limits[name] / MIB));
  return {
    memoryBytes: text("memoryBytes"),
    kvBytes: text("kvBytes"),
    diskBytes: text("diskBytes"),
  };
}

function takeQuotas(params: Params): Promise<Response> {
  const { ctx, runtime, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const changes = Object.fromEntries(QUOTA_NAMES.map((name) => [name, bytesOf(form, name)]));
      await updateFunctions(ctx, runtime, actor, site, changes);
      return redirect(`${sitePath(site, "functions")}?done=site-saved`);
    },
    (form, problems, error) => {
      const typed = {
        memoryBytes: form.text("memoryBytes"),
        kvBytes: form.text("kvBytes"),
        diskBytes: form.text("diskBytes"),
      };
      return show(params, { quotas: { typed, problems } }, statusOf(error));
    },
  );
}

function takeRemoval(params: Params): Promise<Response> {
  const { ctx, runtime, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      if (form.text("confirm").trim() !== site)
        throw fail("invalid_input", { field: "confirm", problem: `type "${site}"` });
      await removeDatabase(ctx, runtime, actor, site);
      return redirect(`${sitePath(site, "functions")}?done=database-removed`);
    },
    (_form, removal, error) => show(params, { removal }, statusOf(error)),
  );
}

/** Null where the field is empty. @throws invalid_input */
function bytesOf(form: Form, name: Quota): number | null {
  const text = form.text(name).trim();
  if (text === "") return null;
  const least = name === "memoryBytes" ? 64 : 0;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text) * MIB;
  const problem = `use a whole number of MiB${least > 0 ? `, at least ${least}` : ""}`;
  throw fail("invalid_input", { field: name, problem });
}
