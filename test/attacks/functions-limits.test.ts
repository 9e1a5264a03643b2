import { afterAll, beforeAll, test } from "bun:test";

import { atRequest, expectLimited, limitedWorld, type Row } from "./functions-rows.ts";
import type { FunctionWorld } from "./functions-world.ts";

const TIMEOUT_MS = 60_000;
/** Computes without end, also where the loop of events would be asked. */
const SPIN = "for (let n = 0; ; n += 1) globalThis.spun = n;";

let patient: FunctionWorld;
let strict: FunctionWorld;
beforeAll(async () => {
  patient = await limitedWorld(19, 4);
  strict = await limitedWorld(2, 4);
}, TIMEOUT_MS);
afterAll(async () => {
  await patient[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
});

const late: Row[] = [
  {
    attack: "a request that is never answered",
    program: atRequest("await new Promise(() => {});"),
    visitor: /^504 wall_limit$/,
    owner: /did not begin to answer within 2 s/,
  },
  {
    attack: "a request that sleeps through every ping",
    program: atRequest("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
    visitor: /^504 wall_limit$/,
    owner: /did not begin to answer within 2 s, and does not react/,
  },
];
test.each(late.map((row) => [row.attack, row] as const))(
  "%s",
  (_attack, row) => expectLimited(strict, row),
  TIMEOUT_MS,
);

const rows: Row[] = [
  {
    attack: "a loop in fetch",
    program: atRequest(SPIN),
    visitor: /^503 cpu_limit$/,
    owner: /computed for \d+ ms without a pause, the limit is 300 ms/,
  },
  {
    attack: "a loop after the answer",
    program: atRequest(`setTimeout(() => { ${SPIN} }, 500);`),
    visitor: /^200 fine$/,
    owner: /computed for \d+ ms without a pause/,
  },
  {
    attack: "a loop of promises",
    program: atRequest("for (;;) await null;"),
    visitor: /^503 cpu_limit$/,
    owner: /computed for \d+ ms without a pause/,
  },
  {
    attack: "a regular expression",
    program: atRequest(
      "/^(?:a|a)*(?:a|a)*(?:a|a)*b$/.test('a'.repeat(5000) + 'c'); while (/^(a+)+$/.test('a'.repeat(40) + 'b'));",
    ),
    visitor: /^(?:503 cpu_limit|200 fine)$/,
    owner: /computed for \d+ ms without a pause|released/,
  },
  {
    attack: "a loop at its start",
    program: `${SPIN} export default {};`,
    visitor: /^503 start_failed$/,
    owner: /not loaded within 4 s; it is tried again in \d+ s/,
    again: /^503 start_failed$/,
  },
  {
    attack: "a wait without end at its start",
    program: "await new Promise(() => {}); export default {};",
    visitor: /^503 start_failed$/,
    owner: /not loaded within 4 s; it is tried again in \d+ s/,
    again: /^503 start_failed$/,
  },
  {
    attack: "an end at its start",
    program: "process.exit(0); export default {};",
    visitor: /^503 start_failed$/,
    owner: /ended before it ran \(exit code 0\); it is tried again in \d+ s/,
    again: /^503 start_failed$/,
  },
  {
    attack: "process.exit",
    program: atRequest("process.exit(1)"),
    visitor: /^503 crashed$/,
    owner: /ended by itself: exit code 1; the next request starts it again/,
  },
  {
    attack: "process.abort",
    program: atRequest("process.abort()"),
    visitor: /^503 crashed$/,
    owner: /ended by itself: (?:signal SIG\w+|exit code \d+)/,
  },
  {
    attack: "a signal to itself",
    program: atRequest("process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});"),
    visitor: /^50[034] (?:crashed|exception|wall_limit)$/,
    owner: /ended by itself|Uncaught|EPERM|did not begin/,
  },
  {
    attack: "a stack without end",
    program: atRequest("const f = () => f() + 1; f();"),
    visitor: /^500 exception$/,
    owner: /RangeError: Maximum call stack/,
  },
  {
    attack: "errors that nobody catches, in a loop",
    program: atRequest(
      "setInterval(() => { throw new Error('again') }, 0); setInterval(() => { Promise.reject(new Error('and again')) }, 0);",
    ),
    visitor: /^200 fine$/,
    owner: /more lines were not kept: the limit is 100 per second|and again/,
  },
  {
    attack: "10,000 fetches at once",
    program: atRequest(
      "const all = await Promise.allSettled(Array.from({ length: 10_000 }, () => fetch('http://127.0.0.1:9/'))); return new Response(String(all.filter(({ reason }) => reason?.code === 'subrequests_limit').length > 9000));",
    ),
    visitor: /^200 true$|^503 cpu_limit$/,
    owner: /./,
  },
];
test.each(rows.map((row) => [row.attack, row] as const))(
  "%s",
  (_attack, row) => expectLimited(patient, row),
  TIMEOUT_MS,
);
