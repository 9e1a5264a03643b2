import { parsePackageName, parseVersion, printable, type Version } from "#base/names.ts";
import { type KeyStory, keyStory } from "#install/trust-story.ts";
import {
  forgetKeys,
  listPinned,
  type Pinned,
  readPinned,
  readSigner,
  trustKeys,
} from "#install/trust.ts";
import { requireTrusted } from "#install/trusted.ts";
import { parsePublicKey, type PublicKey } from "#pack/sign.ts";

import { askToGoOn } from "./ask.ts";
import { defineCommand } from "./command.ts";
import { homeOf, registryOf, remoteFor, trustedRegistries } from "./connect.ts";
import type { Context } from "./context.ts";
import { renderCount, renderTable } from "./render.ts";
import { parseSpec } from "./spec.ts";

/** Accepts a key that land.lock does not know. */
export default defineCommand({
  more: `Tells what the registry knows of the keys of a package, then adds the one that signed its newest version, or the version that
is named, to those that land.lock accepts. Ask the publisher first: whoever took over an account would sign with another key
too. With --json the value is {"name","keys","trusted"}, and what was told as "story".`,
  examples: [
    "land trust left",
    "land trust left@1.1.0 --yes --json",
    "land trust left --key ed25519:… # a key that its publisher gave you",
  ],
  args: {
    package: { type: "one", about: "Name of the package, or name@version" },
    key: {
      type: "list",
      value: "KEY",
      about: "Accept this key, whatever it signed; may be repeated",
    },
  },
  async run(context, args) {
    const { name, wanted } = parseSpec(args.package);
    const version = wanted === undefined ? undefined : parseVersion(wanted);
    const pinned = await readPinned(context.cwd, name);
    const given = args.key.map(parsePublicKey);
    const found = given.length > 0 ? { keys: given } : await findKey(context, pinned, version);
    const fresh = found.keys.filter((key) => !pinned.keys.includes(key));
    if (fresh.length === 0) {
      const of = "version" in found ? `the key of ${name}@${found.version}` : "that key";
      context.say(`land.lock knows ${of} already`);
      return { value: { name, keys: pinned.keys, trusted: [] } };
    }
    const story = "story" in found ? found.story : undefined;
    tell(context, pinned, fresh, story);
    await askToGoOn(context, {
      what: "whether to trust the new key",
      message: `Trust ${fresh.length === 1 ? "this key" : "these keys"} for ${name} from now on?`,
      initial: false,
    });
    const options = { ...homeOf(context), dir: context.cwd };
    const keys = await trustKeys(options, name, fresh);
    context.say("Trusted; run again what was stopped");
    return { value: { name, keys, trusted: fresh, ...(story && { story }) } };
  },
});

/** Shows the keys that land.lock knows. */
export const list = defineCommand({
  more: 'With --json the value is {"packages":[{"name","version","registry","keys"}]}.',
  examples: ["land trust list", "land trust list --json"],
  args: {},
  async run(context) {
    const packages = await listPinned(context.cwd);
    const rows = packages.flatMap(({ name, version, keys }) =>
      (keys.length > 0 ? keys : [context.style.yellow("not signed")]).map((key, at) =>
        at === 0 ? [printable(name), printable(version), key] : ["", "", key],
      ),
    );
    return { value: { packages }, text: renderTable(rows) };
  },
});

/** Forgets keys that land.lock knows. */
export const remove = defineCommand({
  more: `Without a key it forgets all of the package: the next version that is installed then decides which key is known, or that it
need not be signed. With --json the value is {"name","keys"}: those that are left.`,
  examples: ["land trust remove left", "land trust remove left ed25519:…"],
  args: {
    package: { type: "one", about: "Name of the package" },
    key: { type: "optional", about: "The key to forget; all where none is named" },
  },
  async run(context, args) {
    const name = parsePackageName(args.package);
    const pinned = await readPinned(context.cwd, name);
    const wanted = args.key === undefined ? [] : [parsePublicKey(args.key)];
    const count = wanted.length === 0 ? pinned.keys.length : 1;
    if (count > 0)
      await askToGoOn(context, {
        what: "whether to forget the keys",
        message: `Forget ${renderCount(count, "key")} of ${name}? Nothing then tells whether its next version is by the same publisher`,
        initial: false,
      });
    const keys = await forgetKeys({ ...homeOf(context), dir: context.cwd }, name, wanted);
    const left = keys.length === 0 ? "no key" : renderCount(keys.length, "key");
    context.say(`land.lock knows ${left} of ${name} now`);
    return { value: { name, keys } };
  },
});

type Found = { keys: PublicKey[]; version: Version; story: KeyStory };

async function findKey(
  context: Context,
  { name, registry, keys: pinned }: Pinned,
  wanted: Version | undefined,
): Promise<Found> {
  const trusted = {
    registry: await registryOf(context),
    configured: await trustedRegistries(context),
  };
  requireTrusted(trusted, registry, name);
  const remote = await remoteFor(context, registry);
  const { version, key } = await readSigner(remote, name, wanted);
  const story = await keyStory(remote, { name, version, pinned, signedBy: key });
  return { keys: [key], version, story };
}

function tell(
  { say }: Context,
  { name, keys }: Pinned,
  fresh: readonly PublicKey[],
  story: KeyStory | undefined,
): void {
  if (story) {
    for (const line of story.lines) say(line);
    return;
  }
  say(`land.lock knows ${name} signed by ${keys.join(", ") || "nobody"}`);
  for (const key of fresh) say(`The new key: ${key}`);
}
