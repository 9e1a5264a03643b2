import { CLIENT_SETTINGS, type ClientKey, type ClientSetting } from "./model.ts";

/** The names of all settings, in the order of the documentation. */
export const CLIENT_KEYS: readonly ClientKey[] = Object.keys(CLIENT_SETTINGS).filter(isClientKey);

/** Whether there is a setting of that name. */
export function isClientKey(key: string): key is ClientKey {
  return Object.hasOwn(CLIENT_SETTINGS, key);
}

/** What is known of a setting. */
export function settingOf(key: ClientKey): ClientSetting {
  return CLIENT_SETTINGS[key];
}

/** The environment variable of a setting: `network.waitSeconds` → `LAND_NETWORK_WAIT_SECONDS`. The default registry's is `LAND_REGISTRY`. */
export function variableOfSetting(key: ClientKey): string {
  if (key === "registry.default") return "LAND_REGISTRY";
  return `LAND_${key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase()}`;
}
