import { loadConfig } from "#base/config.ts";
/** A process that counts, tells each number once it is answered, and is killed. */
import { createLog } from "#base/log.ts";
import { createKv } from "#runtime/kv/kv.ts";

const data = process.argv[2] ?? "";
const now = () => new Date();
const kv = createKv({
  config: loadConfig({ data, env: {}, flags: {} }),
  now,
  log: createLog("error", (line) => process.stderr.write(line), now),
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
});
const site = kv.of(1);
const large = new Uint8Array(300_000);
for (;;) {
  const sums = await Promise.all(Array.from({ length: 20 }, () => site.add("n", 1)));
  const last = Math.max(...sums.map(({ value }) => value));
  await site.put({ key: "large", value: large.fill(last % 256), metadata: last });
  process.stdout.write(`${last}\n`);
}
