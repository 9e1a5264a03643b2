/** Files that the bundler embeds as text. */
declare module "*.sql" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.svg" {
  const text: string;
  export default text;
}
declare module "*/script.js" {
  const text: string;
  export default text;
}
declare module "*/dev-script.js" {
  const text: string;
  export default text;
}

/** Set by build.ts; absent when the source runs unbuilt. */
declare const LAND_VERSION: string | undefined;
declare const LAND_COMMIT: string | undefined;
declare const LAND_BUILT_AT: string | undefined;
declare const LAND_TARGET: string | undefined;
declare const LAND_RELEASE_KEYS: string | undefined;
/** True in what tests run alone: see src/base/faults.ts. */
declare const LAND_FAULTS: boolean | undefined;
