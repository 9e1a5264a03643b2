import { takeLock } from "#store/lock.ts";

/** Takes the lock named by the first argument, says so, and keeps it until it is killed. */
await takeLock(process.argv[2] ?? "", {
  mode: "exclusive",
  what: "the thing",
  command: "land holds",
  timeoutMs: 0,
  now: () => new Date(),
});
console.log("held");
setInterval(() => undefined, 60_000);
