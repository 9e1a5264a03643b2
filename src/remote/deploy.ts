import { LandError } from "#base/errors.ts";
import type { HashedFile } from "#pack/site-hash.ts";
import { DeployStarted, type FileList, Finalized, type ProgramBody } from "#sites/model.ts";

import type { Exchange } from "./exchange.ts";
import { type Blob, bytesOf, sendBlobs, type SendProgress } from "./send-blobs.ts";

/** The program of a deploy, and its contents: the code, and its source map. */
export type DeployProgram = { body: ProgramBody; contents: readonly Uint8Array<ArrayBuffer>[] };

/** A deploy to make. */
export type DeployPlan = {
  site: string;
  /** Folder that the files lie in. */
  dir: string;
  files: readonly HashedFile[];
  program?: DeployProgram;
  message?: string;
  draft?: boolean;
  /** Called as blobs go out. */
  onProgress?: (progress: SendProgress) => void;
  /** Called once all is there, before the server makes the deploy whole. */
  onSent?: () => void;
};

/** A finished deploy, and what had to be sent for it. */
export type Deployed = Finalized & {
  /** Blobs that were sent: files of the same content count once. */
  uploaded: number;
  uploadedBytes: number;
};

/** JSON of a request stays below what every server takes. */
const PART_BYTES = 900_000;
/** Making a deploy whole may mean packing 50,000 files. */
const FINALIZE_MS = 180_000;
/** How often blobs that the server lost meanwhile are sent anew. */
const ROUNDS = 3;

/**
 * Deploys files: tells the server what the site shall hold, sends the content that it lacks, and makes the deploy whole. Until
 * the last step the site stays as it is, and a deploy that broke off is no loss: the next one sends only the rest.
 *
 * @throws deploy_changed where a file is no longer what was hashed, network, cancelled, and what the server tells
 */
export async function deployFolder(exchange: Exchange, plan: DeployPlan): Promise<Deployed> {
  const { site, draft = false } = plan;
  const begun = await beginDeploy(exchange, plan);
  const path = `/sites/${encodeURIComponent(site)}/deploys/${encodeURIComponent(begun.id)}`;
  const sent = { uploaded: 0, uploadedBytes: 0 };
  for (let missing = begun.missing, round = 1; ; round += 1) {
    const blobs = blobsOf(plan, missing);
    await sendBlobs(exchange, path, blobs, plan.onProgress);
    sent.uploaded += blobs.length;
    sent.uploadedBytes += bytesOf(blobs);
    plan.onSent?.();
    try {
      const finalized = await exchange.ask(Finalized, {
        method: "POST",
        path: `${path}/finalize`,
        json: { release: !draft },
        repeatable: true,
        answerTimeoutMs: FINALIZE_MS,
      });
      return { ...finalized, ...sent };
    } catch (error) {
      missing = missingOf(error);
      if (round === ROUNDS || blobsOf(plan, missing).length === 0) throw error;
    }
  }
}

/**
 * Begins a deploy, in as many parts as its list of files needs. Begun twice where an answer was lost: the first one stays
 * without files, and the server drops it by itself.
 */
async function beginDeploy(
  exchange: Exchange,
  { site, files, program, message, draft }: DeployPlan,
): Promise<{ id: string; missing: string[] }> {
  const [first = {}, ...rest] = partsOf(files);
  const path = `/sites/${encodeURIComponent(site)}/deploys`;
  const begun = await exchange.ask(DeployStarted, {
    method: "POST",
    path,
    json: {
      files: first,
      ...(message !== undefined && { message }),
      ...(draft !== undefined && { draft }),
      ...(program && { program: program.body }),
    },
    repeatable: true,
  });
  const missing = new Set(begun.missing);
  for (const part of rest) {
    const more = await exchange.ask(DeployStarted, {
      method: "POST",
      path: `${path}/${encodeURIComponent(begun.id)}/files`,
      json: { files: part },
      repeatable: true,
    });
    for (const digest of more.missing) missing.add(digest);
  }
  return { id: begun.id, missing: [...missing] };
}

/** The files as lists of which each is small enough for one request. */
function partsOf(files: readonly HashedFile[]): FileList[] {
  const parts: FileList[] = [];
  let part: [string, FileList[string]][] = [];
  let bytes = 0;
  const end = (): void => void parts.push(Object.fromEntries(part));
  for (const { path, sha256, sizeBytes } of files) {
    // What escaping may add is counted: a path of control characters is refused before.
    const own = Buffer.byteLength(JSON.stringify(path)) + 110;
    if (bytes + own > PART_BYTES && part.length > 0) {
      end();
      part = [];
      bytes = 0;
    }
    part.push([path, { sha256, size: sizeBytes }]);
    bytes += own;
  }
  if (part.length > 0 || parts.length === 0) end();
  return parts;
}

/** One file for each missing blob. What nobody named is not sent, whatever the server asks for. */
function blobsOf({ dir, files, program }: DeployPlan, missing: readonly string[]): Blob[] {
  const wanted = new Set(missing);
  const blobs: Blob[] = [];
  for (const { sha256, sizeBytes, onDisk, path } of files)
    if (wanted.delete(sha256)) blobs.push({ sha256, sizeBytes, dir, onDisk, path });
  for (const content of program?.contents ?? []) {
    const sha256 = Bun.SHA256.hash(content, "hex");
    const about = { sha256, sizeBytes: content.length, dir, onDisk: "", content };
    if (wanted.delete(sha256)) blobs.push({ ...about, path: program?.body.main.name ?? "" });
  }
  return blobs;
}

function missingOf(error: unknown): string[] {
  const list: unknown =
    error instanceof LandError && error.code === "deploy_incomplete" ? error.data?.["missing"] : [];
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
}
