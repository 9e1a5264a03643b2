import type { HostNotes } from "#bridge/calls.ts";
import type { Link } from "#bridge/model.ts";

import { currentRun, type Run } from "../run.ts";
import { cutText } from "./format.ts";
import type { Stacks } from "./stacks.ts";

/** How a line is marked. */
export type Level = HostNotes["log"]["level"];

/** Sends lines of the site's log to the host, in the order they were written. */
export type Lines = {
  /** A line of that run; `text` is asked for again once the source map is there, if it needed that. */
  write: (level: Level, text: () => string, run?: Run) => void;
  /** Bytes of a line; longer ones are cut. */
  limit: (bytes: number) => void;
};

/** Lines that wait for the source map; more are sent without it. */
const MAX_WAITING = 1000;
/** Bytes on the link from which on lines are dropped. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** Lines over a link. */
export function createLines(link: () => Link, stacks: Stacks): Lines {
  let maxBytes = 16 * 1024;
  let lost = 0;
  let waiting: (() => void)[] | undefined;

  function send(level: Level, message: string, requestId: string): void {
    if (link().backlogBytes() > MAX_BACKLOG_BYTES) {
      lost += 1;
      return;
    }
    if (lost > 0) {
      const story = `${lost} lines were lost: they came faster than they could be written`;
      link().note("log", { level: "warn", message: story, requestId: "" });
      lost = 0;
    }
    link().note("log", { level, message: cutText(message, maxBytes), requestId });
  }
  function release(): void {
    const lines = waiting ?? [];
    waiting = undefined;
    for (const line of lines) line();
  }
  return {
    write(level, text, run = currentRun()) {
      const requestId = run?.requestId ?? "";
      const message = text();
      const wantsMap = stacks.wantsMap();
      if (wantsMap && !waiting) {
        waiting = [];
        void stacks.loadMap().then(release);
      }
      if (!waiting) return send(level, message, requestId);
      waiting.push(() => send(level, wantsMap ? text() : message, requestId));
      return waiting.length > MAX_WAITING ? release() : undefined;
    },
    limit: (bytes) => (maxBytes = bytes),
  };
}
