import type { Actor } from "#accounts/actor.ts";
import { encodeBytes, type Encoding } from "#http/encoding.ts";
import type { Ctx } from "#store/ctx.ts";

import { type Body, bodyOf, type Documents, etagOf, type ServedVersion } from "./documents.ts";
import type { IndexLine } from "./model.ts";
import { readDocuments } from "./read.ts";

/**
 * The index of a package: NDJSON, one version a line, oldest first, in the coding asked for. Made once per revision and
 * coding; each coding has an ETag of its own.
 *
 * @throws package_not_found
 */
export async function readIndex(
  ctx: Ctx,
  actor: Actor | undefined,
  name: string,
  encoding: Encoding,
): Promise<Body> {
  const { documents } = await readDocuments(ctx, actor, name);
  return encoding === "identity" ? plainIndex(documents) : encodedIndex(documents, encoding);
}

/** The index as it is, without a coding. */
export function plainIndex(documents: Documents): Body {
  return bodyOf(documents, "index", () =>
    documents.oldestFirst.map((version) => `${JSON.stringify(lineOf(version))}\n`).join(""),
  );
}

function encodedIndex(documents: Documents, encoding: Encoding): Body {
  const key = `index ${encoding}`;
  const known = documents.bodies.get(key);
  if (known) return known;
  const plain = plainIndex(documents);
  const body = {
    bytes: encodeBytes(plain.bytes, encoding),
    etag: etagOf(`${encoding} ${plain.etag}`),
  };
  documents.bodies.set(key, body);
  return body;
}

function lineOf(version: ServedVersion): IndexLine {
  return {
    v: version.version,
    deps: version.dependencies,
    opt: version.optionalDependencies,
    engines: version.engines,
    bin: version.bin,
    digest: version.digest,
    size: version.sizeBytes,
    key: version.key,
    sig: version.sig,
    yanked: version.yanked,
    ...(version.deprecated !== null && { deprecated: version.deprecated }),
    at: version.publishedAt,
  };
}
