import type { HookPackage, Plugin, PluginApi, PluginPackage } from "#plugin/api.ts";

import { isPolicy, type Policy, problemOfLicense, readPolicy, UNKNOWN } from "./license-policy.ts";
import { licenseOf, parseExpression, renderExpression } from "./spdx.ts";
import { renderCount, renderTable } from "./table.ts";

/** Versions that are asked for at a time. */
const AT_ONCE = 8;

type Row = {
  name: string;
  version: string;
  license: string | null;
  /** Why the policy does not take it. */
  problem: string | null;
};

/** The licenses of all packages of a project, and whether they are those that the user takes. */
export default {
  name: "licenses",
  description: "the licenses of a project's packages, and a policy for them",
  setup(land) {
    land.command({
      name: "licenses",
      about: "Show the licenses of the project's packages",
      more: `With --check it ends with 1 where a package has a license that the settings plugins.licenses do not take: "allow" and
"deny" are lists, "exceptions" names packages with a reason, "enforce" refuses such packages at every install.`,
      examples: [
        "land licenses # each package",
        "land licenses --summary",
        "land licenses --check",
      ],
      flags: {
        summary: { type: "boolean", about: "Count the packages of each license" },
        check: { type: "boolean", about: "Fail where a license is against the policy" },
      },
      run: ({ flags }) =>
        show(land, { summary: flags["summary"] === true, check: flags["check"] === true }),
    });
    // Settings that are wrong are told where they are used: the command, or every install.
    if (land.settings["enforce"] !== undefined && land.settings["enforce"] !== false)
      land.on("preInstall", ({ packages }) => enforce(land, packages));
  },
} satisfies Plugin;

async function show(land: PluginApi, { summary, check }: { summary: boolean; check: boolean }) {
  const policy = policyOf(land);
  const { packages } = await land.project();
  const rows = packages.map((item) => rowOf(policy, item));
  const missing = packages.filter(({ manifest }) => manifest === undefined);
  if (missing.length > 0)
    land.warn(`${renderCount(missing.length, "package")} not installed; run \`land install\``);
  const problems = rows.flatMap(({ name, version, problem }) =>
    problem === null ? [] : [`${name}@${version}: ${problem}`],
  );
  if (check && !isPolicy(policy))
    throw land.error("usage", {
      problem: "Cannot check the licenses: there is no policy",
      hint: 'Set plugins.licenses in config.json, as in { "allow": ["MIT", "Apache-2.0"] }',
    });
  if (check && problems.length > 0)
    throw land.error("policy_violated", { what: "the licenses of this project", problems });
  const counts = countLicenses(rows);
  return {
    value: { ok: problems.length === 0, packages: rows, summary: Object.fromEntries(counts) },
    text: summary
      ? renderTable(counts.map(([license, count]) => [license, renderCount(count, "package")]))
      : renderTable(rows.map(lineOf)),
  };
}

/** @throws usage where the settings are wrong */
function policyOf(land: PluginApi): Policy {
  try {
    return readPolicy(land.settings);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw land.error("usage", {
      problem: `Cannot use plugins.licenses of config.json: ${problem}`,
    });
  }
}

function rowOf(policy: Policy, { name, version, manifest }: PluginPackage): Row {
  const license = canonical(licenseOf(manifest));
  const problem = isPolicy(policy)
    ? problemOfLicense(policy, { name, version }, license)
    : undefined;
  return { name, version, license: license ?? null, problem: problem ?? null };
}

/** Expressions as the specification writes them, other texts as they are. */
function canonical(license: string | undefined): string | undefined {
  const expression = license === undefined ? undefined : parseExpression(license);
  return expression ? renderExpression(expression) : license;
}

function lineOf({ name, version, license, problem }: Row): string[] {
  return [name, version, license ?? UNKNOWN, ...(problem === null ? [] : ["against the policy"])];
}

/** The most frequent first. */
function countLicenses(rows: readonly Row[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { license } of rows)
    counts.set(license ?? UNKNOWN, (counts.get(license ?? UNKNOWN) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** Refuses packages of which the registry tells a license that is not taken. */
async function enforce(land: PluginApi, packages: readonly HookPackage[]): Promise<void> {
  const policy = policyOf(land);
  const problems: string[] = [];
  for (let at = 0; at < packages.length; at += AT_ONCE) {
    const group = packages.slice(at, at + AT_ONCE);
    const told = await Promise.all(group.map((one) => land.describe(one)));
    for (const { name, version, license } of told) {
      const problem = problemOfLicense(policy, { name, version }, license || undefined);
      if (problem !== undefined) problems.push(`${name}@${version}: ${problem}`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join("; "));
}
