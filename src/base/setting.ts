/** One setting of the server: its default tells its type; its documentation is generated from here. */
export type Setting = {
  default: string | number | readonly string[];
  /** One sentence for docs/configuration.md, with the unit. */
  about: string;
  oneOf?: readonly string[];
  min?: number;
  max?: number;
  /** What is wrong with a text, or undefined. */
  problem?: (value: string) => string | undefined;
};
/** A setting whose default tells its type. */
export const setting = <D extends Setting["default"]>(entry: Setting & { default: D }) => entry;
/** A setting that is one of some words. */
export const choice = <const C extends readonly string[]>(
  entry: Setting & { default: C[number]; oneOf: C },
): Setting & { default: C[number] } => entry;
