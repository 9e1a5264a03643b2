import { Elysia } from "elysia";

import type { Html } from "#html/html.ts";
import { parseDotenv } from "#pack/dotenv.ts";
import { importEnv, listEnv, setEnv, unsetEnv } from "#runtime/env/env.ts";
import type { EnvEntry, EnvKind, EnvList } from "#runtime/model.ts";
import type { Ctx } from "#store/ctx.ts";

import { statusOf } from "./account-pages.tsx";
import { answerPage, type Form, type PageStatus, redirect } from "./frame.ts";
import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { act, actOrAgain, readSiteVisit } from "./site-visit.ts";
import { TextArea, typedText } from "./text-area.tsx";
import { Ago, Badge, Csrf, Empty, Field, FormProblem, type FormProblems, Table } from "./ui.tsx";

/** What this page is made from. A value that came in a form is never given back: it may be a secret. */
type SiteEnvProps = SiteFrame & {
  env: EnvList;
  form?: { key: string; kind: EnvKind; problems: FormProblems } | undefined;
  importProblems?: FormProblems | undefined;
};

/** `/sites/:site/env`: variables and secrets, and forms to set them. */
export function SiteEnvPage({ frame, site, env, form, importProblems }: SiteEnvProps): Html {
  const path = sitePath(site.name, "env");
  return (
    <SiteLayout frame={frame} site={site} tab="env">
      {env.items.length === 0 ? (
        <Empty title="No variables or secrets">
          <p>
            Programs read them as <code>env.NAME</code> or <code>process.env.NAME</code>.
          </p>
        </Empty>
      ) : (
        <Table label="Variables and secrets" head={["Name", "Value", "Set", ""]} isStacked>
          {env.items.map((entry) => (
            <EnvRow frame={frame} site={site} entry={entry} />
          ))}
        </Table>
      )}
      <form class="card" method="post" action={path}>
        <h2>Set one</h2>
        <FormProblem problems={form?.problems} />
        <Csrf token={frame.csrf} />
        <Field
          name="key"
          label="Name"
          value={form?.key}
          problems={form?.problems}
          maxlength={128}
          pattern="[A-Za-z_][A-Za-z0-9_]*"
          autocomplete="off"
          required
        />
        <TextArea name="value" label="Value" rows={3} problems={form?.problems} />
        <KindChoice kind={form?.kind ?? "secret"} />
        <button class="button">Set</button>
      </form>
      <form class="card" method="post" action={`${path}/import`}>
        <h2>Set several</h2>
        <FormProblem problems={importProblems} />
        <Csrf token={frame.csrf} />
        <TextArea
          name="text"
          label="Lines of a .env file"
          hint="NAME=value, one a line. What is not named stays as it is."
          required
        />
        <KindChoice kind="secret" />
        <button class="button">Set all</button>
      </form>
    </SiteLayout>
  );
}

function EnvRow({ frame, site, entry }: SiteFrame & { entry: EnvEntry }): Html {
  const { key, value, updatedAt, updatedBy } = entry;
  return (
    <tr>
      <th scope="row">
        <code>{key}</code>
      </th>
      <td data-label="Value">
        {value === null ? <Badge>secret</Badge> : <code class="value">{value}</code>}
      </td>
      <td data-label="Set">
        <Ago at={updatedAt} now={frame.now} />
        {updatedBy !== null && ` by ${updatedBy}`}
      </td>
      <td>
        <form method="post" action={`${sitePath(site.name, "env")}/unset`}>
          <Csrf token={frame.csrf} />
          <input type="hidden" name="key" value={key} />
          <button class="button small danger" aria-label={`Remove ${key}`}>
            Remove
          </button>
        </form>
      </td>
    </tr>
  );
}

function KindChoice({ kind }: { kind: EnvKind }): Html {
  return (
    <fieldset>
      <legend class="unseen">Kind</legend>
      <label class="choice">
        <input type="radio" name="kind" value="secret" checked={kind === "secret"} />
        <span>Secret: nobody can read it again</span>
      </label>
      <label class="choice">
        <input type="radio" name="kind" value="variable" checked={kind === "variable"} />
        <span>Variable: shown here</span>
      </label>
    </fieldset>
  );
}

type Params = { ctx: Ctx; request: Request; site: string };
type More = Pick<SiteEnvProps, "form" | "importProblems">;

const NONE = { parse: "none" } as const;

/** The page of the variables and secrets of a site, and its forms. */
export function envPages(ctx: Ctx) {
  return new Elysia({ name: "web.sites.env", prefix: "/sites" })
    .get("/:site/env", ({ request, params: { site } }) => showEnv({ ctx, request, site }, {}))
    .post("/:site/env", ({ request, params: { site } }) => takeEnv({ ctx, request, site }), NONE)
    .post(
      "/:site/env/import",
      ({ request, params: { site } }) => takeImport({ ctx, request, site }),
      NONE,
    )
    .post(
      "/:site/env/unset",
      ({ request, params: { site } }) =>
        act(ctx, request, `${sitePath(site, "env")}?done=env-unset`, (actor, form) =>
          unsetEnv(ctx, actor, { site, key: form.text("key") }),
        ),
      NONE,
    );
}

async function showEnv(
  { ctx, request, site }: Params,
  more: More,
  status: PageStatus = {},
): Promise<Response> {
  const visit = await readSiteVisit(ctx, request, site);
  if (visit instanceof Response) return visit;
  const env = await listEnv(ctx, visit.actor, site);
  return answerPage(SiteEnvPage({ ...visit, env, ...more }), { ...status, isSecret: true });
}

function kindOf(form: Form): EnvKind {
  return form.text("kind") === "variable" ? "variable" : "secret";
}

function takeEnv(params: Params): Promise<Response> {
  const { ctx, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const value = typedText(form.text("value"));
      await setEnv(ctx, actor, { site, key: form.text("key") }, { value, kind: kindOf(form) });
      return redirect(`${sitePath(site, "env")}?done=env-set`);
    },
    (form, problems, error) => {
      const back = { key: form.text("key"), kind: kindOf(form), problems };
      return showEnv(params, { form: back }, statusOf(error));
    },
  );
}

function takeImport(params: Params): Promise<Response> {
  const { ctx, request, site } = params;
  return actOrAgain(
    ctx,
    request,
    async (actor, form) => {
      const values = Object.fromEntries(parseDotenv(form.text("text")));
      await importEnv(ctx, actor, site, { values, kind: kindOf(form) });
      return redirect(`${sitePath(site, "env")}?done=env-imported`);
    },
    // The text does not come back, so no line of it can be pointed at.
    (_form, _problems, error) =>
      showEnv(
        params,
        { importProblems: { problem: `${error.message}. Nothing was set; paste the lines again` } },
        statusOf(error),
      ),
  );
}
