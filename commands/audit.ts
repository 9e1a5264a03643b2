import { printable } from "#base/names.ts";
import type { SignatureStatus } from "#install/audit-signatures.ts";
import { type Audit, type AuditedPackage, auditProject } from "#install/audit.ts";

import { defineCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { installOptions } from "./installing.ts";
import { createProgress } from "./progress.ts";
import { renderCount, renderTable, type Style } from "./render.ts";

/** Asks what the registries tell now of the installed versions. */
export const all = defineCommand({
  more: `Asks the registry of each package in land.lock whether its version was yanked or deprecated, what its signature is worth,
and whether it is younger than security.minimumAge. Exits with 12 where a signature is bad, with 1 where a version was yanked
or is too young. With --json the value is {"ok","packages":[{"name","version","registry","ok","signature":{"status","why"},
"yanked","deprecated","tooNew","publishedAt","publishedBy","newer"}]}.`,
  examples: ["land audit", "land audit --json"],
  args: {},
  async run(context) {
    const audit = await runAudit(context);
    const bad = audit.packages.some(({ ok }) => !ok);
    return {
      value: audit,
      text: renderAudit(audit, context.style),
      exitCode: bad ? 12 : audit.ok ? 0 : 1,
    };
  },
});

/** Checks the signatures of the installed versions. */
export const signatures = defineCommand({
  more: `A signature is valid where it is one over the bytes that land.lock names, by a key that land.lock knows and that the
account of its publisher holds now. What is not signed is bad only with security.requireSignatures. Exits with 12 where one
is bad. With --json the value is {"ok","packages":[{"name","version","ok","status","why","publishedBy"}]}.`,
  examples: ["land audit signatures", "land audit signatures --json"],
  args: {},
  async run(context) {
    const { packages } = await runAudit(context);
    const value = packages.map(({ name, version, ok, signature, publishedBy }) => ({
      name,
      version,
      ok,
      ...signature,
      ...(publishedBy !== undefined && { publishedBy }),
    }));
    const ok = packages.every((item) => item.ok);
    const rows = packages.map((item) => signatureRow(item, context.style));
    const lines = [renderTable(rows), ...whyLines(packages), countOf(packages)];
    return {
      value: { ok, packages: value },
      text: lines.filter((line) => line !== "").join("\n"),
      exitCode: ok ? 0 : 12,
    };
  },
});

async function runAudit(context: Context): Promise<Audit> {
  const progress = createProgress(context);
  try {
    const options = await installOptions(context, { kind: "install" });
    return await auditProject({
      ...options,
      onPackage: (doneFiles, totalFiles) =>
        progress.update({ verb: "Asking for packages", doneFiles, totalFiles }),
    });
  } finally {
    progress.stop();
  }
}

function signatureRow({ name, version, ok, signature, publishedBy }: AuditedPackage, style: Style) {
  const { status } = signature;
  const word = status === "unsigned" ? "not signed" : status;
  const paint = ok ? (status === "valid" ? style.green : style.yellow) : style.red;
  const by = publishedBy === undefined ? "" : `by ${printable(publishedBy)}`;
  return [printable(name), printable(version), paint(word), by];
}

function whyLines(packages: readonly AuditedPackage[]): string[] {
  const lines = packages.flatMap(({ name, version, signature: { why } }) =>
    why === undefined ? [] : [`  ${printable(`${name} ${version}`)}: ${printable(why)}`],
  );
  return lines.length === 0 ? [] : ["", ...lines, ""];
}

function renderAudit({ packages }: Audit, style: Style): string {
  const lines = packages.flatMap((item) => findingsOf(item, style));
  return [...lines, ...(lines.length === 0 ? [] : [""]), countOf(packages)].join("\n");
}

function findingsOf(item: AuditedPackage, style: Style): string[] {
  const { name, version, yanked, deprecated, tooNew, publishedAt, newer, ok, signature } = item;
  const label = style.bold(printable(`${name} ${version}`));
  const instead =
    newer === undefined ? "; there is no other" : `; the newest that is neither: ${newer}`;
  const told: string[] = [];
  if (yanked) told.push(`${style.red("yanked")}${instead}`);
  if (deprecated !== undefined)
    told.push(`${style.yellow("deprecated")}: ${printable(deprecated)}${yanked ? "" : instead}`);
  if (tooNew)
    told.push(`${style.red("too new")}: published ${printable((publishedAt ?? "").slice(0, 10))}`);
  if (!ok) told.push(`${style.red("signature")}: ${printable(signature.why ?? "not signed")}`);
  return told.map((text) => `${label}  ${text}`);
}

function countOf(packages: readonly AuditedPackage[]): string {
  const count = (test: (item: AuditedPackage) => boolean): number => packages.filter(test).length;
  const parts = [
    [count(has("valid")), "signed"],
    [count(has("unsigned")), "not signed"],
    [count(({ signature }) => !["valid", "unsigned"].includes(signature.status)), "signed badly"],
    [count(({ yanked }) => yanked), "yanked"],
    [count(({ deprecated }) => deprecated !== undefined), "deprecated"],
    [count(({ tooNew }) => tooNew), "too new"],
  ] as const;
  const told = parts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  const total = renderCount(packages.length, "package");
  return told.length === 0 ? total : `${total}: ${told.join(", ")}`;
}

function has(status: SignatureStatus): (item: AuditedPackage) => boolean {
  return ({ signature }) => signature.status === status;
}
