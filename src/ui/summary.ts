import prettyBytes from "pretty-bytes";

import { printableLines } from "#base/names.ts";

import type { Task } from "./tasks.ts";
import { listOf, numberOf, objectOf, textOf, type Value } from "./values.ts";

/** What a command was about, as far as its result is told in a way of its own. */
export type ResultKind = "changes" | "verify" | "audit" | "prune" | "repair" | "setting" | "logout";

const KINDS: Readonly<Record<string, ResultKind>> = {
  install: "changes",
  uninstall: "changes",
  update: "changes",
  add: "changes",
  remove: "changes",
  verify: "verify",
  audit: "audit",
  "store prune": "prune",
  "store repair": "repair",
  "config set": "setting",
  "config unset": "setting",
  logout: "logout",
};

/** How the result of a command is told; undefined for one that is not known here. */
export function kindOf([first = "", second = ""]: readonly string[]): ResultKind | undefined {
  return KINDS[first] ?? KINDS[`${first} ${second}`];
}

/** In a sentence, what came of an act. */
export function summaryOf({ act, told, step, state }: Task): string {
  if (!told) return step?.text ?? "Working";
  if (state === "cancelled") return "Cancelled; nothing is left half done";
  if (!told.ok) return printableLines(told.problem.detail).split("\n", 1)[0] ?? "";
  const value = objectOf(told.value);
  switch (kindOf(act.argv)) {
    case "changes":
      return changesSummary(value);
    case "verify":
      return verifySummary(value);
    case "audit":
      return auditSummary(value);
    case "prune":
      return pruneSummary(value);
    case "repair":
      return repairSummary(value);
    case "setting":
      return `${textOf(value, "key")} was ${value["removed"] === undefined ? "set" : "reset"}`;
    case "logout":
      return `Signed out of ${textOf(value, "registry")}`;
    case undefined:
      break;
  }
  return "Done";
}

function changesSummary(value: Value): string {
  const counts = (["added", "removed", "changed"] as const).map(
    (key) => [listOf(value, key).length, key] as const,
  );
  const linked = value["linked"];
  const members = Array.isArray(linked) ? linked.length : 0;
  const parts = counts.flatMap(([length, word]) => (length === 0 ? [] : [`${length} ${word}`]));
  if (members > 0) parts.push(`${count(members, "member")} linked`);
  const total =
    listOf(value, "added").length +
    listOf(value, "changed").length +
    (numberOf(value, "unchanged") ?? 0);
  const changed = value["manifest"];
  if (parts.length === 0 && Array.isArray(changed) && changed.length > 0)
    return "The manifest changed, and no package";
  return parts.length === 0
    ? `Nothing had to be done: ${count(total, "package")}, all as they should be`
    : `${count(total, "package")}: ${parts.join(", ")}`;
}

function verifySummary(value: Value): string {
  const problems = listOf(value, "problems").length;
  const packages = count(listOf(value, "packages").length, "package");
  const looked = `${packages}, ${count(numberOf(value, "files") ?? 0, "file")}`;
  return problems === 0 ? `All whole: ${looked}` : `${count(problems, "problem")} in ${looked}`;
}

function auditSummary(value: Value): string {
  const packages = listOf(value, "packages");
  const of = (test: (item: Value) => boolean): number => packages.filter(test).length;
  const parts = [
    [of((item) => item["ok"] === false), "with a bad signature"],
    [of((item) => item["yanked"] === true), "yanked"],
    [of((item) => textOf(item, "deprecated") !== ""), "deprecated"],
    [of((item) => item["tooNew"] === true), "too new"],
  ] as const;
  const told = parts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  const total = count(packages.length, "package");
  return told.length === 0 ? `Nothing found: ${total}` : `${total}: ${told.join(", ")}`;
}

/** What a prune took, or would take. */
export function pruneSummary(value: Value): string {
  const isPlan = value["dryRun"] === true;
  const packages = listOf(value, "packages").length;
  const forgotten = value["forgotten"];
  const gone = Array.isArray(forgotten) ? forgotten.length : 0;
  const also =
    gone === 0
      ? ""
      : `; ${count(gone, "project")} forgotten, ${gone === 1 ? "its folder is" : "their folders are"} gone`;
  const freed = bytesOf(value, "freedBytes");
  const kept = bytesOf(value, "keptBytes");
  if (packages === 0 && (numberOf(value, "files") ?? 0) === 0)
    return `${isPlan ? "Nothing would go" : "Nothing had to go"}: ${kept} stay${isPlan ? "" : also}`;
  const shared = numberOf(value, "sharedBytes") ?? 0;
  const rest =
    shared > 0 ? `; ${prettyBytes(shared)} more stay on the disk, shared with projects` : "";
  return `${isPlan ? "Would remove" : "Removed"} ${count(packages, "package")}: ${freed} freed, ${kept} left${rest}${isPlan ? "" : also}`;
}

function repairSummary(value: Value): string {
  const [repaired, lost] = ["repaired", "lost"].map((key) => listOf(value, key).length);
  const damaged = numberOf(value, "damaged") ?? 0;
  const looked = `Looked at ${count(numberOf(value, "packages") ?? 0, "package")}`;
  return repaired === 0 && lost === 0 && damaged === 0
    ? `${looked}: all whole`
    : `${looked}: ${repaired} made anew, ${lost} lost, ${count(damaged, "damaged file")} removed`;
}

function bytesOf(value: Value, key: string): string {
  return prettyBytes(numberOf(value, key) ?? 0);
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
