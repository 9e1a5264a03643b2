import type { Actor } from "#accounts/actor.ts";
import { grants, requireScope } from "#accounts/guard.ts";
import { fail, LandError } from "#base/errors.ts";
import { parseSiteName, type SiteName } from "#base/names.ts";
import { createTurns } from "#base/turns.ts";
import { readForm } from "#http/multipart.ts";
import type { Staged } from "#store/blobs.ts";
import type { Ctx } from "#store/ctx.ts";

import type { Finalized } from "../model.ts";
import { requireSite, senderOf, type SiteRow } from "../rights.ts";
import { createSite } from "../site/sites-create.ts";
import { storeArchive } from "./archive.ts";
import { MAY_DEPLOY } from "./deploy-create.ts";
import { deployLimits } from "./deploy-limits.ts";
import { deployFromFiles } from "./deploy-whole.ts";

/** Archives of one account read at the same time. */
const inTurn = createTurns(2);
const MAX_MESSAGE = 1000;
const TEXTS = { site_name: 256, message: MAX_MESSAGE * 4, draft: 8, _csrf: 256 };
/** Boundaries, headers of the parts, texts. */
const FRAMING_BYTES = 64 * 1024;

/**
 * Deploys a zip or tar.gz that comes with the name of a site, which is made if it is free and the account may make sites.
 * Nothing is made of an archive that is refused or cut.
 *
 * @throws unauthenticated, scope_missing, site_role, site_taken, name_invalid, unsupported_media_type, payload_too_large, too_slow,
 * bad_request, invalid_input; and as `storeArchive`, `createSite`, `createDeploy` and `finalizeDeploy`
 */
export async function deployArchive(
  ctx: Ctx,
  actor: Actor,
  request: Request,
  options: ArchiveOptions = {},
): Promise<Finalized> {
  checkMayDeploy(actor);
  return inTurn(String(actor.userId), async () => {
    const sent = await readArchiveForm(ctx, request, options);
    try {
      const site = await findOwn(ctx, actor, sent.site);
      const limits = deployLimits(ctx, site ?? { quotaFiles: null });
      const manifest = await storeArchive(ctx, senderOf(actor), sent.staged, limits);
      if (!site) await createSite(ctx, actor, { name: sent.site });
      const { message, draft } = sent;
      return await deployFromFiles(ctx, actor, sent.site, {
        ...manifest,
        message,
        draft,
        source: "archive",
      });
    } finally {
      await sent.staged.discard();
    }
  });
}

/** How a page sends an archive. */
export type ArchiveOptions = {
  /** The site, where the form does not name it. */
  site?: string;
  /** Judges the other fields, such as the form's security token, before anything is done. */
  judge?: (texts: Partial<Record<string, string>>) => void;
};

/** Refuses an upload before a byte of it is read, where nothing in it could make it welcome. @throws scope_missing */
function checkMayDeploy(actor: Actor): void {
  const { via } = actor;
  const some =
    via.kind === "token" &&
    via.scopes.some((scope) => /^(?:deploy|site):/.test(scope) || grants(scope, "deploy"));
  if (!some) requireScope(actor, "deploy", "deploy");
}

type Sent = { site: SiteName; message: string; draft: boolean; staged: Staged };

async function readArchiveForm(
  ctx: Ctx,
  request: Request,
  { site, judge }: ArchiveOptions,
): Promise<Sent> {
  const archiveBytes = ctx.config["sites.archiveBytes"];
  const { texts, file: staged } = await readForm<Staged>(request, {
    texts: TEXTS,
    file: "file",
    limitBytes: archiveBytes + FRAMING_BYTES,
    pace: { bytesPerSecond: ctx.config["limits.uploadBytesPerSecond"], now: ctx.now },
    takeFile: (content) => ctx.blobs.stage(content, archiveBytes),
    dropFile: (taken) => taken.discard(),
  });
  if (!staged) throw fail("invalid_input", { field: "file", problem: "the part is missing" });
  try {
    judge?.(texts);
    const name = site ?? texts["site_name"];
    if (name === undefined)
      throw fail("invalid_input", { field: "site_name", problem: "the part is missing" });
    return {
      site: parseSiteName(name),
      message: parseMessage(texts["message"]),
      draft: parseFlag("draft", texts["draft"]),
      staged,
    };
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** The message of a deploy as a form sends it. @throws invalid_input */
export function parseMessage(text = ""): string {
  if (text.length <= MAX_MESSAGE) return text;
  throw fail("invalid_input", {
    field: "message",
    problem: `it is longer than ${MAX_MESSAGE} characters`,
  });
}

/** `true` or `false` as a form sends it; `on` is what a ticked box sends. @throws invalid_input */
export function parseFlag(field: string, text = "false"): boolean {
  if (["true", "1", "on"].includes(text)) return true;
  if (["false", "0", ""].includes(text)) return false;
  throw fail("invalid_input", { field, problem: "use true or false" });
}

/** The site if the account may deploy to it; undefined where it must be made first. */
async function findOwn(ctx: Ctx, actor: Actor, name: SiteName): Promise<SiteRow | undefined> {
  try {
    return (await requireSite(ctx, actor, name, MAY_DEPLOY)).site;
  } catch (error) {
    const unknown = error instanceof LandError && error.code === "site_not_found";
    const mayMake =
      actor.via.kind === "session" || actor.via.scopes.some((scope) => grants(scope, "account"));
    // Somebody else's site is told as taken, when it is to be made.
    if (unknown && mayMake) return undefined;
    throw error;
  }
}
