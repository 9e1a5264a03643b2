import { fail } from "#base/errors.ts";
import { type PackageName, parsePackageName, type Version } from "#base/names.ts";
import { compareVersions } from "#base/ranges.ts";
import { readPinnedKeys, trustKeys } from "#install/trust.ts";
import { type PublicKey, verifyVersion } from "#pack/sign.ts";
import type { Remote } from "#remote/client.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { connect, homeOf } from "./connect.ts";

/** Accepts the key that signs the newest version of a package, where it is not the one that land.lock knows. */
export default defineCommand({
  more: "Ask the publisher first: whoever took over an account would sign with another key too.",
  examples: ["land trust left", "land trust left --yes --json"],
  args: { package: { type: "one", about: "Name of the package" } },
  async run(context, args) {
    const name = parsePackageName(args.package);
    const options = { ...homeOf(context), dir: context.cwd };
    const known = await readPinnedKeys(context.cwd, name);
    const { remote } = await connect(context);
    const { version, key } = await findNewestKey(remote, name);
    if (known.includes(key)) {
      context.say(`land.lock knows the key of ${name}@${version} already`);
      return { value: { name, keys: known } };
    }
    context.say(`land.lock knows ${name} signed by ${known.join(", ") || "nobody"}`);
    context.say(`${name}@${version} is signed by ${key}`);
    await askToGoOn(context, {
      what: "whether to trust the new key",
      message: `Trust ${key} for ${name} from now on?`,
      initial: false,
    });
    const keys = await trustKeys(options, name, [key]);
    context.say(`Trusted; run \`land install\` again`);
    return { value: { name, keys } };
  },
});

/** The newest version that is not yanked, and the key that signed it. */
async function findNewestKey(
  remote: Remote,
  name: PackageName,
): Promise<{ version: Version; key: PublicKey }> {
  const index = await remote.readIndex(name);
  if (index.kind !== "fresh") throw fail("package_not_found", { name });
  const [newest] = index.entries
    .filter(({ yanked }) => !yanked)
    .toSorted((a, b) => compareVersions(b.version, a.version));
  if (!newest) throw fail("not_found", { what: `a version of "${name}" that is not yanked` });
  const { version, digest, signature } = newest;
  if (!signature) throw fail("not_signed", { name, version });
  if (!(await verifyVersion(signature, { name, version, digest })))
    throw fail("signature_invalid", {
      name,
      version,
      problem: `it is not one of ${signature.key} over these bytes`,
    });
  return { version, key: signature.key };
}
