import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";

import type { ClientKey, ClientSetting } from "./model.ts";
import { settingOf } from "./settings.ts";

/** A value of a setting, checked: bytes, days and seconds as numbers of them. */
export type SettingValue = string | readonly string[] | number | boolean;

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/**
 * Checks a value of a setting as it stands in a file, or as a text of the environment or the command line: `5GB`, `90d`, `30s`,
 * `yes`, `a,b`.
 *
 * @throws config_invalid naming `source`
 */
export function parseSetting(key: ClientKey, value: unknown, source: string): SettingValue {
  const setting = settingOf(key);
  const read = readValue(setting, typeof value === "string" ? value.trim() : value);
  const problem = "problem" in read ? read.problem : problemOf(setting, read.value);
  if (problem !== undefined || "problem" in read)
    throw fail("config_invalid", { key, source: printable(source), problem: problem ?? "" });
  return read.value;
}

/** A value as a user reads it: `5GB`, `90d`, `30s`, `a, b`; without what is secret. */
export function renderSetting(key: ClientKey, value: SettingValue): string {
  const setting = settingOf(key);
  if (typeof value === "string") return printable(setting.secret ? maskSecret(value) : value);
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return printable(value.join(", "));
  if (setting.type === "bytes") return renderUnit(value);
  return `${value}${setting.type === "days" ? "d" : setting.type === "seconds" ? "s" : ""}`;
}

/** The same value for programs: without what is secret, else as it is. */
export function maskSetting(key: ClientKey, value: SettingValue): SettingValue {
  return typeof value === "string" && settingOf(key).secret ? maskSecret(value) : value;
}

/** An address without the password in it. What is no address is hidden whole where it could hold one. */
function maskSecret(text: string): string {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return text.includes("@") ? "…" : text;
  if (url.password !== "") return text.replace(/(:\/\/[^/@:]*):.*@/, "$1:…@");
  return text;
}

type Read = { value: SettingValue } | { problem: string };

function readValue({ type }: ClientSetting, value: unknown): Read {
  switch (type) {
    case "text":
      return typeof value === "string" ? { value } : { problem: "use a text" };
    case "texts":
      return readTexts(value);
    case "boolean":
      return readBoolean(value);
    case "bytes":
      return readBytes(value);
    case "days":
      return readNumber(value, /^(\d{1,15}) ?d?$/, "use a whole number of days, such as 90d");
    case "seconds":
      return readNumber(value, /^(\d{1,15}) ?s?$/, "use a whole number of seconds, such as 30s");
    case "number":
      break;
  }
  return readNumber(value, /^(\d{1,15})$/, "use a whole number");
}

function readTexts(value: unknown): Read {
  const list = typeof value === "string" ? value.split(",") : value;
  if (!Array.isArray(list) || list.length > 1000) return { problem: "use a list of texts" };
  const texts: string[] = [];
  for (const item of list) {
    if (typeof item !== "string") return { problem: "use a list of texts" };
    if (item.trim() !== "") texts.push(item.trim());
  }
  return { value: texts };
}

function readBoolean(value: unknown): Read {
  if (typeof value === "boolean") return { value };
  if (typeof value === "string" && /^(?:1|true|yes|on)$/i.test(value)) return { value: true };
  if (typeof value === "string" && /^(?:0|false|no|off)$/i.test(value)) return { value: false };
  return { problem: "use true or false" };
}

function readBytes(value: unknown): Read {
  const found = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?i?b)?$/i.exec(String(value));
  const unit = UNITS[(found?.[2] ?? "b").toLowerCase()];
  if ((typeof value !== "string" && typeof value !== "number") || !found || unit === undefined)
    return { problem: "use a size, such as 500MB, 5GB or a number of bytes" };
  return { value: Math.round(Number(found[1]) * unit) };
}

function readNumber(value: unknown, form: RegExp, problem: string): Read {
  if (typeof value !== "string" && typeof value !== "number") return { problem };
  const found = form.exec(String(value))?.[1];
  return found === undefined ? { problem } : { value: Number(found) };
}

function problemOf(setting: ClientSetting, value: SettingValue): string | undefined {
  if (typeof value === "number") {
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = setting;
    const bounds = setting.max === undefined ? `at least ${min}` : `${min} to ${max}`;
    return value >= min && value <= max ? undefined : `use ${bounds}`;
  }
  if (typeof value === "boolean") return undefined;
  for (const text of typeof value === "string" ? [value] : value) {
    if (text.length > 4096) return "it is too long";
    if (setting.oneOf && !setting.oneOf.includes(text))
      return `use one of ${setting.oneOf.join(", ")}`;
    const problem = text === "" ? undefined : setting.problem?.(text);
    if (problem !== undefined) return problem;
  }
  return value === "" && setting.default !== "" ? "it is empty" : undefined;
}

function renderUnit(bytes: number): string {
  for (const [unit, size] of [
    ["TB", 1e12],
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const)
    if (bytes >= size && bytes % (size / 1000) === 0) return `${bytes / size}${unit}`;
  return `${bytes}B`;
}
