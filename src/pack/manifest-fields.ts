import { fail, type LandError } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import { isMap, type JsonMap } from "./json.ts";

/** The two files that may hold a manifest. */
export type ManifestFile = "land.json" | "package.json";

/** No single text of a manifest is longer; lists and maps have a bound too, so that one package cannot swell an index. */
const MAX_TEXT = 4096;
const MAX_ITEMS = 2000;

/** Reads fields of one manifest and words its refusals. Every reader throws manifest_invalid. */
export type Fields = {
  file: ManifestFile;
  /** The value as written, undefined where absent or null. */
  value: (key: string) => unknown;
  text: (key: string) => string | undefined;
  /** A list of texts, empty where absent. */
  texts: (key: string) => string[];
  /** A map, undefined where absent. */
  map: (key: string) => JsonMap | undefined;
  /** Checks that a value is a text of sane length. `field` names it in the refusal. */
  asText: (field: string, value: unknown) => string;
  asTexts: (field: string, value: unknown) => string[];
  asMap: (field: string, value: unknown) => JsonMap;
  refuse: (field: string, problem: string) => LandError;
};

/** Makes the reader of one document. */
export function createFields(file: ManifestFile, document: JsonMap): Fields {
  const refuse = (field: string, problem: string): LandError =>
    fail("manifest_invalid", { file, field: printable(field), problem });
  const value = (key: string): unknown => document[key] ?? undefined;
  const asText = (field: string, item: unknown): string => {
    if (typeof item !== "string") throw refuse(field, "is not a text");
    if (item.length > MAX_TEXT) throw refuse(field, `is longer than ${MAX_TEXT} characters`);
    return item;
  };
  const bounded = <T>(field: string, items: T, count: number): T => {
    if (count > MAX_ITEMS) throw refuse(field, `holds more than ${MAX_ITEMS} items`);
    return items;
  };
  const asTexts = (field: string, list: unknown): string[] => {
    if (!Array.isArray(list)) throw refuse(field, "is not a list of texts");
    return bounded(
      field,
      list.map((item: unknown, index) => asText(`${field}[${index}]`, item)),
      list.length,
    );
  };
  const asMap = (field: string, item: unknown): JsonMap => {
    if (!isMap(item)) throw refuse(field, "is not an object");
    return bounded(field, item, Object.keys(item).length);
  };
  return {
    file,
    value,
    text: (key) => (value(key) === undefined ? undefined : asText(key, value(key))),
    texts: (key) => (value(key) === undefined ? [] : asTexts(key, value(key))),
    map: (key) => (value(key) === undefined ? undefined : asMap(key, value(key))),
    asText,
    asTexts,
    asMap,
    refuse,
  };
}
