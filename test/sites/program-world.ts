/**
 * `test/sites/program-world` deploys programs over `deploy-world`.
 * The tests of programs call it. It must never reach past the verbs.
 */
import { createDeploy } from "#sites/deploys/deploy-create.ts";
import { finalizeDeploy } from "#sites/deploys/deploy-finalize.ts";
import { putBlobs } from "#sites/deploys/upload-tar.ts";
import type { DeployBody, Finalized, ProgramBody } from "#sites/model.ts";
import type { Person } from "#test/support/people.ts";

import { type Files, listOf, sending, sha256, tarOf, type World } from "./deploy-world.ts";

/** A program. */
export const CODE = "export default { fetch: () => new Response('hello') }\n";
/** A source map. */
export const MAP = '{"version":3,"sources":["main.ts"],"mappings":""}';

/** What a deploy says of a program. */
export function bodyOf(code: string, more: Partial<ProgramBody> = {}, map?: string): ProgramBody {
  return {
    main: {
      sha256: sha256(code),
      size: Buffer.byteLength(code),
      name: "main.ts",
      ...(map !== undefined && { map: { sha256: sha256(map), size: Buffer.byteLength(map) } }),
    },
    ...more,
  };
}

/** Begins a deploy with a program and sends what is missing; answers its id. */
export async function begin(
  { ctx }: World,
  { actor }: Person,
  files: Files,
  program: ProgramBody,
  more: Partial<DeployBody> = {},
): Promise<string> {
  const { id, missing } = await createDeploy(ctx, actor, "blog", {
    files: listOf(files),
    program,
    ...more,
  });
  const known = new Map([...Object.values(files), CODE, MAP].map((text) => [sha256(text), text]));
  const wanted = missing.map((hex) => known.get(hex) ?? "");
  if (wanted.length > 0)
    await putBlobs(ctx, actor, { site: "blog", deploy: id }, sending(tarOf(wanted)));
  return id;
}

/** Deploys a program as ada, whole. */
export async function deployProgram(
  world: World,
  files: Files,
  program: ProgramBody,
  more: Partial<DeployBody> = {},
): Promise<Finalized> {
  const id = await begin(world, world.ada, files, program, more);
  return finalizeDeploy(world.ctx, world.ada.actor, "blog", id);
}
