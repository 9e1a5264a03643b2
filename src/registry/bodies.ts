import type { Actor } from "#accounts/actor.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Body, bodyOf } from "./documents.ts";
import { pickVersion, readDocuments } from "./read.ts";

/** A package as JSON, ready to be sent. The ETag moves with its downloads too. @throws package_not_found */
export async function readPackageBody(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
): Promise<Body> {
  const { documents, downloads } = await readDocuments(ctx, actor, name);
  const open = bodyOf(documents, "package, open", () =>
    JSON.stringify(documents.about).slice(0, -1),
  );
  const etag = `${open.etag.slice(0, -1)}.${downloads}"`;
  const known = documents.bodies.get("package");
  if (known?.etag === etag) return known;
  const rest = new TextEncoder().encode(`,"downloads":${downloads}}`);
  const bytes = new Uint8Array(open.bytes.length + rest.length);
  bytes.set(open.bytes);
  bytes.set(rest, open.bytes.length);
  const body = { bytes, etag };
  documents.bodies.set("package", body);
  return body;
}

/** The version that `spec` means as JSON, ready to be sent. @throws package_not_found, version_not_found */
export async function readVersionBody(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  spec: string,
): Promise<Body> {
  const { documents } = await readDocuments(ctx, actor, name);
  const version = pickVersion(documents, spec);
  return bodyOf(documents, `version ${version.version}`, () => JSON.stringify(version));
}
