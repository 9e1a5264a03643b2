import { fail } from "#base/errors.ts";
import type { RegistryUrl } from "#remote/registry-url.ts";

import type { InstallOptions } from "./options.ts";

/** A lock may come from anyone: nothing is asked of an address that only a lock names. @throws registry_untrusted */
export function requireTrusted(options: Registries, registry: RegistryUrl, name: string): void {
  if (!isTrusted(options, registry)) throw fail("registry_untrusted", { registry, name });
}

/** Whether the user chose a registry: by default, or as one that a lock may name. */
export function isTrusted(
  { registry: own, configured }: Registries,
  registry: RegistryUrl,
): boolean {
  return registry === own || configured.includes(registry);
}

type Registries = Pick<InstallOptions, "registry" | "configured">;
