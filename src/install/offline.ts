import { fail, type LandError } from "#base/errors.ts";

/** What --offline fails with where a registry would have to be asked: what of it is missing, and how it comes here. */
export function notKnownHere(url: string, missing: string): LandError {
  return fail("network", {
    url,
    problem: `--offline was given, and ${missing}`,
    hint: "Run it once without --offline, or bring what is missing with `land store import`",
  });
}
