import { join } from "node:path";

/** Headers of a request. */
export type Words = Readonly<Record<string, string>>;

/** What wrk tells of a server. `cpu`: microseconds of its processor time a request. */
export type Load = { rate: number; p50: string; p99: string; cpu?: number };

/** Seconds of processor time that a process and its children took so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const children = await Bun.file(`/proc/${pid}/task/${pid}/children`).text();
  let ticks = 0;
  for (const id of [String(pid), ...children.trim().split(" ")]) {
    if (id === "") continue;
    const stat = await Bun.file(`/proc/${id}/stat`).text();
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

/** What wrk tells after that many seconds. */
export async function load(
  url: string,
  options: {
    seconds: string;
    connections: string;
    host?: string | undefined;
    /** Of Lua. */
    script?: string;
    words?: Words;
  },
): Promise<Load> {
  const args = ["-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--latency"];
  if (options.host !== undefined) args.push("-H", `Host: ${options.host}`);
  for (const [name, value] of Object.entries(options.words ?? {}))
    args.push("-H", `${name}: ${value}`);
  if (options.script !== undefined) args.push("-s", options.script);
  const wrk = Bun.spawn(["wrk", ...args, url], { stdout: "pipe" });
  const text = await wrk.stdout.text();
  if (/Non-2xx/.test(text)) throw new Error(`${url} answered with errors:\n${text}`);
  if (/Socket errors/.test(text)) return { rate: 0, p50: "down", p99: "down" };
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    p50: /^\s+50%\s+(\S+)/m.exec(text)?.[1] ?? "?",
    p99: /^\s+99%\s+(\S+)/m.exec(text)?.[1] ?? "?",
  };
}

/** What a process has in memory; `VmHWM`: what it had at most. */
export async function rssMb(pid: number, field: "VmRSS" | "VmHWM" = "VmRSS"): Promise<string> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const kb = Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
  return `${(kb / 1024).toFixed(0)} MB`;
}

/** Requests per second, and the connections that they come over. */
export const RATES = [2000, 8000] as const;
const PACED_CONNECTIONS = 256;

/** A server, and the scripts for one host and for all, in `work`. */
export type Paced = { work: string; url: string; pid: number; one: string; many: string };

/** Latency at each rate of one host and of all hosts, in turns: the middle of three. */
export async function compareLatency(asked: Paced, title: string): Promise<void> {
  const { one, many, pid } = asked;
  for (const rate of RATES) {
    const loads = new Map<string, Load[]>([one, many].map((name) => [name, []]));
    for (let round = 0; round < 3; round += 1)
      for (const name of round % 2 === 0 ? [one, many] : [many, one])
        loads.get(name)?.push(await paced(asked, name, rate));
    const own = latencyOf(loads.get(one) ?? []);
    const all = latencyOf(loads.get(many) ?? []);
    const show = (of: Latency): string => `${of.p50.toFixed(2)} / ${of.p99.toFixed(2)}`;
    const times = { p50: all.p50 / own.p50, p99: all.p99 / own.p99 };
    console.log(
      `${String(rate).padStart(5)} req/s${title}  p50 / p99: one host ${show(own)} ms, all hosts ${show(all)} ms, ${show(times)} times  memory ${await rssMb(pid)}`,
    );
  }
}

/** Requests at random moments, so many a second. */
export async function paced(
  { work, url }: Pick<Paced, "work" | "url">,
  name: string,
  rate: number,
): Promise<Load> {
  const script = join(work, `${name}-${rate}.lua`);
  const meanMs = (PACED_CONNECTIONS / rate) * 1000;
  await Bun.write(
    script,
    `${await Bun.file(join(work, `${name}.lua`)).text()}
delay = function() return -math.log(1 - math.random()) * ${meanMs} end
`,
  );
  return load(url, { script, seconds: "5", connections: String(PACED_CONNECTIONS) });
}

/** In milliseconds. */
type Latency = { p50: number; p99: number };

/** The middle of the medians and of the 99th percentiles. */
function latencyOf(loads: readonly Load[]): Latency {
  const middleOf = (times: readonly string[]): number =>
    times.map(toMs).toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  return { p50: middleOf(loads.map(({ p50 }) => p50)), p99: middleOf(loads.map(({ p99 }) => p99)) };
}

/** A time as wrk writes it. */
function toMs(text: string): number {
  const [, number, unit] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(number) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
}
