import { plain } from "./door.ts";
import type { Task, Tasks } from "./tasks.ts";

/** Streams of one run: more would keep a machine busy for pages that nobody looks at. */
const MAX_STREAMS = 64;
const HEARTBEAT_MS = 10_000;

/** Streams that tell what goes on. */
export type Streams = {
  /** What goes on in a task, as it happens; items from the `from`th on. */
  follow: (tasks: Tasks, id: string, from: number) => Response;
  /** Ends all of them. */
  stop: () => void;
};

/** Makes them. */
export function createStreams(): Streams {
  const open = new Set<() => void>();
  return {
    follow(tasks, id, from) {
      if (open.size >= MAX_STREAMS) return plain(503, "Too many pages follow what goes on.");
      return new Response(streamOf(tasks, id, { from, open }), {
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
        },
      });
    },
    stop() {
      for (const end of open) end();
    },
  };
}

function streamOf(
  tasks: Tasks,
  id: string,
  { from, open }: { from: number; open: Set<() => void> },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ends: (() => void)[] = [];
  const stop = (): void => {
    for (const end of ends.splice(0)) end();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      let told = from;
      const write = (text: string): void => controller.enqueue(encoder.encode(text));
      const end = (): void => {
        stop();
        controller.close();
      };
      const tell = (): void => {
        const task = tasks.find(id);
        write(task ? eventsOf(task, told) : "");
        told = Math.max(told, task?.items.length ?? 0);
        if (task?.state === "running") return;
        write("event: end\ndata: {}\n\n");
        end();
      };
      const beat = setInterval(() => write(": still here\n\n"), HEARTBEAT_MS);
      beat.unref();
      open.add(end);
      // Headers leave with the first byte.
      write(": here\n\n");
      ends.push(
        tasks.watch(id, tell),
        () => clearInterval(beat),
        () => open.delete(end),
      );
      tell();
    },
    cancel: stop,
  });
}

function eventsOf({ step, items }: Task, from: number): string {
  const events = items.slice(from).map((item) => `event: item\ndata: ${JSON.stringify(item)}\n\n`);
  if (step)
    events.push(
      `event: step\ndata: ${JSON.stringify({ text: step.text, share: step.share ?? null })}\n\n`,
    );
  return events.join("");
}
