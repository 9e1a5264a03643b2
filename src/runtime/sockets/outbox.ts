import type { DeployId } from "#base/names.ts";
import { giveWay } from "#base/slices.ts";

import { MAX_TOPICS, membersOf, subscribe, unsubscribe } from "./rooms.ts";
import { closeGently, type Room, type Socket, type SocketSite } from "./socket.ts";
import type { Speakers } from "./speakers.ts";
import { isWorthCompressing, type Message, type Writer } from "./writer.ts";

/** What a program wants done. */
export type Act =
  | Publish
  | { kind: "send"; id: string; message: Message; bytes: number }
  | { kind: "subscribe"; id: string; topic: string }
  | { kind: "unsubscribe"; id: string; topic: string }
  | { kind: "close"; id: string; code: number; reason: string }
  | { kind: "data"; id: string; data: string };

type Publish = {
  kind: "publish";
  /** "" is everybody. */
  topic: string;
  except: string | undefined;
  message: Message;
  bytes: number;
};

/** Does what programs want with their sockets, for each site in the order it was wanted. */
export type Outbox = {
  /** Takes one. Where a site wants more than can be sent, what is too much is dropped, and told. */
  add: (site: SocketSite, deploy: DeployId, act: Act) => void;
};

/** What the outbox is made of. */
export type OutboxParts = {
  speakers: Pick<Speakers, "reach" | "ask">;
  writer: Writer;
  /** Takes what an owner should know. */
  tell: (site: SocketSite, message: string) => void;
};

type Box = { deploys: DeployId[]; acts: Act[]; bytes: number; dropped: number; refused: number };
/** Acts that are done together: all go to the same sockets. */
type Run = { deploy: DeployId; acts: Act[] };

/** Of what one site wants and is not done. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** What an act costs beside its bytes. */
const ACT_BYTES = 128;
/** Work after which others have their turn; a message to a socket is 1 and 1 more for each of its units. */
const SLICE = 500;
const UNIT_BYTES = 4096;
/** The same where it is compressed, which takes several times as long. */
const COMPRESSED_UNIT_BYTES = 512;
/** Messages that go to one socket before the next one has its turn. */
const MAX_RUN = 256;

/** Makes an outbox. */
export function createOutbox({ speakers, writer, tell }: OutboxParts): Outbox {
  const boxes = new Map<SocketSite, Box>();
  const slice = { spent: 0 };

  async function empty(site: SocketSite, box: Box): Promise<void> {
    while (box.acts.length > 0) {
      for (const run of runsOf(box.deploys.splice(0), box.acts.splice(0))) {
        const rooms = speakers.reach(site, run.deploy) ?? (await speakers.ask(site, run.deploy));
        for (const cost of perform(writer, rooms, run.acts, box)) {
          slice.spent += cost;
          if (slice.spent < SLICE) continue;
          slice.spent = 0;
          await giveWay();
        }
        for (const act of run.acts) box.bytes -= sizeOf(act);
      }
    }
    boxes.delete(site);
    if (box.dropped > 0) tell(site, droppedText(box.dropped));
    if (box.refused > 0) tell(site, refusedText(box.refused));
  }

  return {
    add(site, deploy, act) {
      const box = boxes.get(site) ?? { deploys: [], acts: [], bytes: 0, dropped: 0, refused: 0 };
      const bytes = sizeOf(act);
      if (box.bytes + bytes > MAX_WAITING_BYTES) {
        box.dropped += 1;
        return;
      }
      box.bytes += bytes;
      box.deploys.push(deploy);
      box.acts.push(act);
      if (boxes.has(site)) return;
      boxes.set(site, box);
      // After all that came in the same bytes: what goes to one socket then leaves in one packet.
      queueMicrotask(() => void empty(site, box));
    },
  };
}

function droppedText(count: number): string {
  return `${count} WebSocket messages were dropped: the program sent them faster than they could be delivered`;
}

function refusedText(count: number): string {
  return `${count} subscriptions were refused: a WebSocket is in at most ${MAX_TOPICS} topics`;
}

function sizeOf(act: Act): number {
  return ACT_BYTES + ("bytes" in act ? act.bytes : 0);
}

/** Joins messages to one topic that follow each other. */
function runsOf(deploys: readonly DeployId[], acts: readonly Act[]): Run[] {
  const runs: Run[] = [];
  for (const [at, deploy] of deploys.entries()) {
    const act = acts[at];
    const last = runs.at(-1);
    const before = last?.acts.at(-1);
    const joins =
      act?.kind === "publish" &&
      before?.kind === "publish" &&
      before.topic === act.topic &&
      last?.deploy === deploy &&
      last.acts.length < MAX_RUN;
    if (act && joins) last.acts.push(act);
    else if (act) runs.push({ deploy, acts: [act] });
  }
  return runs;
}

/** Does one run, and counts what is refused; yields what each step cost. */
function* perform(
  writer: Writer,
  rooms: readonly Room[],
  acts: readonly Act[],
  box: Pick<Box, "refused">,
): Generator<number, void> {
  const publishes = acts.filter((act) => act.kind === "publish");
  const [first] = publishes;
  if (first) {
    for (const room of rooms) yield* publish(writer, room, first.topic, publishes);
    return;
  }
  for (const act of acts) {
    if (act.kind === "publish") continue;
    const socket = findSocket(rooms, act.id);
    if (!socket || socket.isOver) continue;
    if (act.kind === "send") {
      writer.write(socket, [act.message], true);
      yield costOf(act.bytes, isWorthCompressing(act.message) ? COMPRESSED_UNIT_BYTES : UNIT_BYTES);
    } else if (act.kind === "subscribe") box.refused += subscribe(socket, act.topic) ? 0 : 1;
    else if (act.kind === "unsubscribe") unsubscribe(socket, act.topic);
    else if (act.kind === "data") socket.data = act.data;
    else closeGently(socket, act.code, act.reason);
  }
}

function* publish(
  writer: Writer,
  room: Room,
  topic: string,
  publishes: readonly Publish[],
): Generator<number, void> {
  const messages = publishes.map(({ message }) => message);
  const cost = publishes.reduce((sum, { bytes }) => sum + costOf(bytes), 0);
  const excepts = new Set(publishes.flatMap(({ except }) => except ?? []));
  for (const socket of membersOf(room, topic)) {
    const own = excepts.has(socket.id)
      ? publishes.filter(({ except }) => except !== socket.id).map(({ message }) => message)
      : messages;
    if (own.length > 0) writer.write(socket, own, false);
    yield cost;
  }
}

function costOf(bytes: number, unitBytes = UNIT_BYTES): number {
  return 1 + Math.floor(bytes / unitBytes);
}

/** A socket by its id among those that a program reaches. */
export function findSocket(rooms: readonly Room[], id: string): Socket | undefined {
  for (const room of rooms) {
    const socket = room.sockets.get(id);
    if (socket) return socket;
  }
  return undefined;
}
