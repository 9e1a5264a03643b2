/**
 * Settings that a page may change: how much is kept and how it is fetched. What grants trust, or keeps something out, is set where
 * its file is, or at a terminal.
 */
const EDITABLE: ReadonlySet<string> = new Set([
  "storage.link",
  "cache.maxSize",
  "cache.maxAge",
  "cache.autoPrune",
  "cache.indexSeconds",
  "network.concurrency",
  "network.tries",
  "network.waitSeconds",
  "network.connectSeconds",
  "network.answerSeconds",
  "network.idleSeconds",
]);

/** Whether a page may change a setting. */
export function isEditable(key: string): boolean {
  return EDITABLE.has(key);
}
