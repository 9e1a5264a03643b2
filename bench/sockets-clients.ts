/** WebSockets in processes of their own that count what they get. Started as a program, this file is one such process. */

/** Open sockets of all processes. */
export type Clients = {
  /** Messages that came so far. */
  got: () => Promise<number>;
  stop: () => Promise<void>;
};

type Report = { open: true } | { got: number };

/** Opens `count` sockets from `processes` processes. */
export async function openClients(options: {
  url: string;
  host: string;
  count: number;
  processes: number;
}): Promise<Clients> {
  const { url, host, count, processes } = options;
  const children = await Promise.all(
    Array.from({ length: processes }, async (_, n) => {
      const own = Math.floor((count * (n + 1)) / processes) - Math.floor((count * n) / processes);
      let answered = Promise.withResolvers<Report>();
      const child = Bun.spawn([process.execPath, import.meta.path, url, host, String(own)], {
        stdout: "inherit",
        stderr: "inherit",
        ipc: (report: Report) => answered.resolve(report),
      });
      const failed = child.exited.then((code): never => {
        throw new Error(`a client ended with ${code}`);
      });
      failed.catch(() => undefined);
      await Promise.race([answered.promise, failed]);
      return {
        child,
        async got(): Promise<number> {
          answered = Promise.withResolvers<Report>();
          child.send({});
          const report = await Promise.race([answered.promise, failed]);
          return "got" in report ? report.got : 0;
        },
      };
    }),
  );
  return {
    async got() {
      const counts = await Promise.all(children.map((child) => child.got()));
      return counts.reduce((sum, own) => sum + own, 0);
    },
    async stop() {
      for (const { child } of children) child.kill();
      await Promise.all(children.map(({ child }) => child.exited));
    },
  };
}

/** Handshakes under way at a time. */
const AT_ONCE = 100;

async function main(): Promise<void> {
  const [url = "", host = "", count = "0"] = process.argv.slice(2);
  let got = 0;
  const sockets: WebSocket[] = [];
  const open = async (): Promise<void> => {
    const ws = new WebSocket(`${url.replace("http", "ws")}/ws`, { headers: { host } });
    sockets.push(ws);
    ws.addEventListener("message", () => void (got += 1));
    await new Promise<void>((resolve, reject) => {
      ws.addEventListener("open", () => resolve());
      ws.addEventListener("error", () => reject(new Error("a socket was not opened")));
    });
  };
  while (sockets.length < Number(count)) {
    const some = Math.min(AT_ONCE, Number(count) - sockets.length);
    await Promise.all(Array.from({ length: some }, open));
  }
  process.on("message", () => process.send?.({ got }));
  process.send?.({ open: true });
}

if (import.meta.main) await main();
