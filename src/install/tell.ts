import type { ClientHooks } from "#base/client-hooks.ts";

import type { InstallResult, NamedVersion } from "./options.ts";

/** Tells hooks what is about to change in the tree of `dir`. @throws hook_refused */
export async function tellBefore(
  hooks: ClientHooks,
  dir: string,
  { added, changed, removed }: InstallResult,
): Promise<void> {
  const coming = [...added, ...changed].map(plain);
  if (coming.length > 0) await hooks.emit("preInstall", { dir, packages: coming });
  if (removed.length > 0) await hooks.emit("preUninstall", { dir, packages: removed.map(plain) });
}

/** Tells hooks what changed in the tree of `dir`. */
export async function tellAfter(
  hooks: ClientHooks,
  dir: string,
  { added, changed, removed }: InstallResult,
): Promise<void> {
  const came = [...added, ...changed].map(plain);
  if (came.length > 0) await hooks.emit("postInstall", { dir, packages: came });
  if (removed.length > 0) await hooks.emit("postUninstall", { dir, packages: removed.map(plain) });
  const packages = changed.map((item) => ({ ...plain(item), from: item.from }));
  if (packages.length > 0) await hooks.emit("packageUpdate", { dir, packages });
}

/** Hooks that are told at once of what is about to happen, and of what happened when `tell` is called, in that order. */
export function holdAfter(hooks: ClientHooks): { hooks: ClientHooks; tell: () => Promise<void> } {
  const held: (() => Promise<void>)[] = [];
  return {
    hooks: {
      async emit(name, event) {
        if (name.startsWith("pre")) await hooks.emit(name, event);
        else held.push(() => hooks.emit(name, event));
      },
    },
    async tell() {
      for (const emit of held) await emit();
    },
  };
}

function plain({ name, version }: NamedVersion): { name: string; version: string } {
  return { name, version };
}
