import { join } from "node:path";

import { fail, LandError } from "#base/errors.ts";
import { printable, type SiteName } from "#base/names.ts";
import { type HashedFile, hashSite } from "#pack/site-hash.ts";
import { selectSite, type SiteSelection } from "#pack/site-select.ts";
import type { Deployed } from "#remote/deploy.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect, type Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import { findSiteFolder } from "./deploy-folder.ts";
import { offerToKeepSite } from "./deploy-keep.ts";
import {
  type BundledProgram,
  bundleProgramOf,
  renderName,
  renderProgram,
  warnOfProgram,
} from "./deploy-program.ts";
import { settleSiteToDeploy, withSite } from "./deploy-site.ts";
import { hooksOf } from "./hooks.ts";
import { renderSecrets } from "./packing.ts";
import { createProgress } from "./progress.ts";
import { renderBytes, renderCount, renderNumber, renderTable, shorten } from "./render.ts";
import { siteArgs } from "./site.ts";

const MAX_WARNINGS = 20;
/** Files between two words about them: most take a moment. */
const PROGRESS_STEP = 50;

/** Puts a folder on the web. */
export default defineCommand({
  more: `Sends the files that the server does not have yet, then shows all of them at once: until then visitors get what was there
before. A site that does not exist is made. Every file of the folder is sent but dotenv files, keys, .git, node_modules and
what .landignore names; links are refused. The program of the site (site.main of land.json, else main.ts, else main.js where
no index.html lies beside it) is bundled with what it imports; nothing of the project runs for that. Files that look like
secrets are asked about at a terminal and refused elsewhere, also with --yes. A deploy that broke off goes on where it was
when it is run again. A program that is live and does not start is warned of.`,
  examples: [
    "land deploy # the folder that land.json names, else this one",
    "land deploy dist --site blog # the folder dist as the site blog",
    "land deploy dist --draft # on an address of its own; the site stays as it is",
  ],
  args: {
    dir: {
      type: "optional",
      about: "Folder to deploy (default: site.dir of land.json, else this one)",
    },
    ...siteArgs,
    message: { type: "text", short: "m", value: "TEXT", about: "A line about this deploy" },
    draft: { type: "boolean", about: "Give it an address of its own and leave the site as it is" },
    prod: { type: "boolean", about: "Make it what visitors get; so it is without --draft" },
    allowSecrets: { type: "boolean", about: "Deploy files that look like secrets, too" },
    dryRun: { type: "boolean", short: "n", about: "Show what would be sent, and send nothing" },
  },
  async run(context, args) {
    if (args.draft && args.prod)
      throw fail("usage", { problem: "Cannot use --draft and --prod together" });
    const folder = await findSiteFolder(context, args.dir);
    const selection = await selectSite(folder.dir, {
      ...(folder.main !== undefined && { main: folder.main }),
      ...(folder.elsewhere !== undefined && { main: null }),
    });
    const program = await bundleProgramOf(context, folder, selection);
    checkFiles(context, selection, program);
    const plan = { selection, program, site: args.site ?? folder.settings?.name };
    if (args.dryRun) return dryRun(context, plan);
    const connection = await connect(context);
    // Without an account all questions would be in vain.
    if (connection.tokenFrom === undefined) throw fail("unauthenticated", {});
    const { site, asked } = await settleSiteToDeploy(context, args.site, folder);
    const files = await hash(context, selection);
    await settleSecrets(context, files, args.allowSecrets);
    const hooks = hooksOf(context);
    const { dir } = selection;
    const event = { dir, site, registry: connection.registry, draft: args.draft };
    await hooks.emit("preDeploy", event);
    await withSite(context, connection, site);
    const deployed = await send(context, connection, {
      site,
      dir,
      files,
      draft: args.draft,
      ...(program && { program }),
      ...(args.message !== undefined && { message: args.message }),
    });
    tell(context, deployed, { draft: args.draft, program });
    const { id, url, deployUrl, uploaded, uploadedBytes } = deployed;
    const shownAt = args.draft ? deployUrl : url;
    await hooks.emit("postDeploy", { ...event, deploy: id, url: shownAt });
    if (program && !args.draft) await warnOfProgram(context, connection, site);
    if (asked) await offerToKeepSite(context, site, folder.dir);
    return {
      value: { site, deploy: id, url, deployUrl, files: deployed.files, uploaded, uploadedBytes },
      text: printable(shownAt),
    };
  },
});

/** Says what the user may not expect of the files. @throws usage where there are none */
function checkFiles(
  context: Context,
  selection: SiteSelection,
  program: BundledProgram | undefined,
): void {
  if (program) return;
  const { dir, files } = selection;
  if (files.length === 0)
    throw fail("usage", {
      problem: `Cannot deploy "${printable(dir)}": it holds no file to send`,
      hint: "Was it built? Does .landignore name everything? `land init --template site` makes a first page",
    });
  if (!files.some(({ path }) => path === "index.html" || path === "_redirects"))
    context.warn("There is no index.html at the top: who asks for / gets 404");
}

async function hash(context: Context, selection: SiteSelection): Promise<HashedFile[]> {
  const progress = createProgress(context);
  const totalFiles = selection.files.length;
  try {
    return await hashSite(selection, {
      now: context.now,
      cache: join(context.landHome, "cache"),
      signal: context.signal,
      onProgress({ files, bytes }) {
        if (files % PROGRESS_STEP !== 0 && files < totalFiles) return;
        progress.update({ verb: "Reading", doneFiles: files, totalFiles, doneBytes: bytes });
      },
    });
  } finally {
    progress.stop();
  }
}

/** Asks whether what looks like a secret may go out; --yes does not say so. @throws deploy_secrets, cancelled */
async function settleSecrets(
  context: Context,
  hashed: readonly HashedFile[],
  allowed: boolean,
): Promise<void> {
  const secrets = secretsIn(hashed);
  if (secrets.length === 0) return;
  const files = renderSecrets(secrets);
  if (allowed) return context.warn(`These look like secrets: ${files}`);
  if (!context.interactive || context.globals.yes) throw fail("deploy_secrets", { files });
  await askToGoOn(context, {
    what: "whether to deploy secrets",
    message: `Show to every visitor: ${files}?`,
    initial: false,
  });
}

function secretsIn(files: readonly HashedFile[]): { path: string; what: string }[] {
  return files.flatMap(({ path, secret }) =>
    secret === undefined ? [] : [{ path, what: secret }],
  );
}

async function send(
  context: Context,
  { remote }: Connection,
  plan: Parameters<Connection["remote"]["deploy"]>[0],
): Promise<Deployed> {
  const progress = createProgress(context);
  let sent = false;
  try {
    return await remote.deploy({
      ...plan,
      onProgress(step) {
        sent ||= step.doneFiles > 0;
        progress.update({ verb: "Sending", ...step });
      },
      onSent: () => progress.update({ verb: "All there, waiting for the server" }),
    });
  } catch (error) {
    progress.stop();
    if (sent && isBreak(error))
      context.say(`${plan.site} is as it was; what arrived is kept for when you run this again`);
    throw error;
  } finally {
    progress.stop();
  }
}

/** Whether it broke off on the way, and can go on. */
function isBreak(error: unknown): boolean {
  return error instanceof LandError && (error.code === "network" || error.code === "cancelled");
}

/** `3 of 5,000 files were new (12 kB)`, then what the server found odd. */
function tell(
  context: Context,
  deployed: Deployed,
  { draft, program }: { draft: boolean; program: BundledProgram | undefined },
): void {
  const { files, uploaded, uploadedBytes, warnings, id, site } = deployed;
  for (const warning of warnings.slice(0, MAX_WARNINGS)) context.warn(printable(warning));
  if (warnings.length > MAX_WARNINGS)
    context.warn(`and ${renderCount(warnings.length - MAX_WARNINGS, "more warning")}`);
  const all = renderCount(files, "file");
  context.say(
    uploaded === 0
      ? `Nothing had to be sent: the server has all of it (${all})`
      : `${renderNumber(uploaded)} of ${all} ${uploaded === 1 ? "was" : "were"} new (${renderBytes(uploadedBytes)})`,
  );
  const beside = program ? ` with ${renderProgram(program)}` : "";
  context.say(
    draft
      ? `Deployed ${printable(id)}${beside} as a draft of ${site}; \`land release ${printable(id)} --site ${site}\` makes it live`
      : `Deployed ${site}${beside}, as ${printable(id)}: ${printable(deployed.deployUrl)}`,
  );
}

type DryPlan = {
  selection: SiteSelection;
  program: BundledProgram | undefined;
  site: SiteName | string | undefined;
};

async function dryRun(context: Context, { selection, program, site }: DryPlan) {
  const { dir } = selection;
  const files = await hash(context, selection);
  const secrets = secretsIn(files);
  if (secrets.length > 0)
    context.warn(`These look like secrets, and are not sent unasked: ${renderSecrets(secrets)}`);
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const rows = files.map((file) => [`  ${shorten(file.path, 80)}`, renderBytes(file.sizeBytes)]);
  if (program) rows.push([`  ${renderName(program)}, bundled`, renderBytes(program.sizeBytes)]);
  const total = `${renderCount(files.length, "file")}, ${renderBytes(sizeBytes)}`;
  context.say("Nothing is sent");
  return {
    value: {
      site: site ?? null,
      dir,
      sizeBytes,
      files: files.map((file) => ({ path: file.path, sizeBytes: file.sizeBytes })),
      program: program
        ? { name: program.name, sizeBytes: program.sizeBytes, inputs: program.inputs }
        : null,
    },
    text: `${renderTable(rows, [1])}\n${total}`,
  };
}
