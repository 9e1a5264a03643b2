const NEVER = new Set([
  ".git",
  ".npmrc",
  ".landrc",
  ".land",
  ".landignore",
  "land.lock",
  "node_modules",
  "land_modules",
  ".ds_store",
  "__macosx",
]);

/** Whether a file or folder of this name is part of no site, wherever it lies: secrets, and what tools leave behind. */
export function isNeverDeployed(name: string): boolean {
  const lower = name.toLowerCase();
  return NEVER.has(lower) || lower.startsWith(".env") || lower.endsWith(".pem");
}
