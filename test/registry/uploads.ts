/**
 * `test/registry/uploads` publishes packages made on the spot, as a person or over HTTP.
 * The tests of the registry call it. It must never reach past the verbs and routes.
 */
import { goodArchive } from "#fixtures/archives.ts";
import { manifestText } from "#fixtures/tar.ts";
import type { Version } from "#registry/model.ts";
import { type Publication, publish } from "#registry/publish.ts";
import type { Ctx } from "#store/ctx.ts";
import type { Person } from "#test/support/people.ts";

export type About = {
  name?: string;
  version?: string;
  /** Further fields of the manifest. */
  manifest?: Record<string, unknown>;
  files?: Record<string, string | Uint8Array>;
};

/** The parts of a publish that is right. */
export function partsOf(about: About): { manifest: Record<string, unknown>; bytes: Buffer } {
  const { name = "left", version = "1.0.0", manifest = {} } = about;
  return {
    manifest: JSON.parse(manifestText({ name, version, ...manifest })),
    bytes: goodArchive(about),
  };
}

/** What `publish` takes, its bytes staged. */
export async function stage(
  ctx: Ctx,
  about: About,
  more: Partial<Omit<Publication, "staged">> & { bytes?: Uint8Array } = {},
): Promise<Publication> {
  const { manifest, bytes } = partsOf(about);
  const { bytes: sent = bytes, ...rest } = more;
  const staged = await ctx.blobs.stage(new Blob([Uint8Array.from(sent)]).stream(), 100_000_000);
  return { manifest, signature: undefined, staged, ...rest };
}

/** Publishes a package. */
export async function put(
  ctx: Ctx,
  person: Person,
  about: About,
  more: Parameters<typeof stage>[2] = {},
): Promise<Version> {
  return publish(ctx, person.actor, await stage(ctx, about, more));
}

/** Names of what lies in the staging folder. */
export async function leftovers(ctx: Ctx): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  return readdir(`${ctx.config.data}/blobs/staging`);
}
