import type { Digest } from "#base/names.ts";

import type { ProgramRef } from "../tenant.ts";
import type { ProgramCode } from "./parts.ts";

/** Programs are read again when they are started again; this many bytes of the ones started lately are kept. */
const KEPT_BYTES = 16 * 1024 * 1024;
const NAMES_DATABASE = /\bDB\b/;

/** A program that is about to run. */
export type LoadedCode = ProgramCode & { hasDatabase: boolean };

/** Makes a reader of programs that keeps some. Two that ask for the same at once share one reading. */
export function createCodes(
  codeOf: (ref: ProgramRef) => Promise<ProgramCode>,
): (ref: ProgramRef) => Promise<LoadedCode> {
  const kept = new Map<
    string,
    { code: Promise<ProgramCode & { names: boolean }>; bytes: number }
  >();
  let bytes = 0;

  function trim(): void {
    for (const [key, { bytes: size }] of kept) {
      if (bytes <= KEPT_BYTES) return;
      kept.delete(key);
      bytes -= size;
    }
  }

  function read(key: string, ref: ProgramRef): Promise<ProgramCode & { names: boolean }> {
    const entry = { bytes: 0, code: load() };
    async function load(): Promise<ProgramCode & { names: boolean }> {
      try {
        const { code, map } = await codeOf(ref);
        if (kept.get(key) === entry) {
          entry.bytes = code.byteLength + (map?.byteLength ?? 0);
          bytes += entry.bytes;
          trim();
        }
        return { code, map, names: NAMES_DATABASE.test(Buffer.from(code).toString("latin1")) };
      } catch (error) {
        if (kept.get(key) === entry) kept.delete(key);
        throw error;
      }
    }
    kept.set(key, entry);
    return entry.code;
  }

  return async (ref) => {
    const key = keyOf(ref.digest, ref.mapDigest);
    const known = kept.get(key);
    if (known) {
      // The one asked for last is the last to go.
      kept.delete(key);
      kept.set(key, known);
    }
    const { names, ...program } = await (known?.code ?? read(key, ref));
    return { ...program, hasDatabase: ref.database ?? names };
  };
}

function keyOf(code: Digest, map: Digest | undefined): string {
  return `${code} ${map ?? ""}`;
}
