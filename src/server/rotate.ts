import { type Rotated, rotateEnvKey } from "#runtime/env/env-rotate.ts";

import { boot, type BootOptions } from "./boot.ts";

/**
 * Makes a new key for variables and secrets in a data folder that no server runs on.
 *
 * @throws lock_busy where one does, config_invalid, sealed_unreadable, file_failed
 */
export async function rotateKey(options: BootOptions): Promise<Rotated> {
  const booted = await boot(options);
  try {
    return await rotateEnvKey(booted.ctx);
  } finally {
    await booted.close();
  }
}
