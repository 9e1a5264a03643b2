import { version as declared } from "../../package.json";

/** Version of this `land`, as in package.json. */
export const version: string = typeof LAND_VERSION === "string" ? LAND_VERSION : declared;

/** Commit it was built from; "unknown" outside git, "source" when it runs unbuilt. */
export const commit: string = typeof LAND_COMMIT === "string" ? LAND_COMMIT : "source";

/** When it was built, ISO 8601 in UTC; undefined when it runs unbuilt. */
export const builtAt: string | undefined =
  typeof LAND_BUILT_AT === "string" ? LAND_BUILT_AT : undefined;

/** The platform it was built for, as in the names of releases: `linux-x64`; undefined when it runs unbuilt. */
export const target: string | undefined = typeof LAND_TARGET === "string" ? LAND_TARGET : undefined;

/** Keys (`ed25519:…`) whose releases `land upgrade` takes; none where it was built without. */
export const releaseKeys: readonly string[] =
  typeof LAND_RELEASE_KEYS === "string" ? LAND_RELEASE_KEYS.split(",").filter(Boolean) : [];
