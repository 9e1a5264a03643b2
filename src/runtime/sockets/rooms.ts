import type { DeployId, SiteName } from "#base/names.ts";

import type { PackedAbout, Room, Socket, SocketSite } from "./socket.ts";

/** What a socket is entered with. */
export type Entry = {
  siteId: number;
  site: SiteName;
  deploy: DeployId;
  /** Whether it came by the site's own address. */
  isLive: boolean;
  id: string;
  network: string | undefined;
  about: PackedAbout;
};

/** All sockets of this server, by site and address. */
export type Rooms = {
  enter: (entry: Entry) => Socket;
  /** Forgets it. Does nothing the second time. */
  leave: (socket: Socket) => void;
  site: (siteId: number) => SocketSite | undefined;
  sites: () => IterableIterator<SocketSite>;
  total: () => number;
};

/** Makes an empty set of rooms. */
export function createRooms(): Rooms {
  const sites = new Map<number, SocketSite>();
  let total = 0;
  return {
    enter(entry) {
      const site = sites.get(entry.siteId) ?? newSite(entry);
      sites.set(site.id, site);
      const room = roomOf(site, entry.isLive ? undefined : entry.deploy);
      const socket = newSocket(room, entry);
      room.sockets.set(socket.id, socket);
      if (entry.network !== undefined)
        site.byNetwork.set(entry.network, (site.byNetwork.get(entry.network) ?? 0) + 1);
      site.count += 1;
      total += 1;
      return socket;
    },
    leave(socket) {
      const { room, network } = socket;
      const { site } = room;
      if (!room.sockets.delete(socket.id)) return;
      for (const topic of socket.topics ?? []) drop(room, topic, socket);
      socket.topics = undefined;
      if (room.sockets.size === 0) site.rooms.delete(room.deploy ?? "");
      if (network !== undefined) {
        const left = (site.byNetwork.get(network) ?? 1) - 1;
        if (left === 0) site.byNetwork.delete(network);
        else site.byNetwork.set(network, left);
      }
      site.count -= 1;
      total -= 1;
      if (site.count === 0 && sites.get(site.id) === site) sites.delete(site.id);
    },
    site: (siteId) => sites.get(siteId),
    sites: () => sites.values(),
    total: () => total,
  };
}

/** Most topics that a socket may be in. */
export const MAX_TOPICS = 100;

/** Adds a socket to a topic; false where it is in too many. */
export function subscribe(socket: Socket, topic: string): boolean {
  const topics = (socket.topics ??= new Set());
  if (topics.has(topic)) return true;
  if (topics.size >= MAX_TOPICS) return false;
  topics.add(topic);
  const { room } = socket;
  const members = room.topics.get(topic) ?? new Set();
  room.topics.set(topic, members.add(socket));
  return true;
}

/** Takes a socket out of a topic. */
export function unsubscribe(socket: Socket, topic: string): void {
  if (socket.topics?.delete(topic) === true) drop(socket.room, topic, socket);
}

/** Everybody of a topic; "" is everybody. */
export function membersOf(room: Room, topic: string): Iterable<Socket> {
  return topic === "" ? room.sockets.values() : (room.topics.get(topic) ?? []);
}

/** How many there are of a topic; "" counts all. */
export function countOf(room: Room, topic: string): number {
  return topic === "" ? room.sockets.size : (room.topics.get(topic)?.size ?? 0);
}

function drop(room: Room, topic: string, socket: Socket): void {
  const members = room.topics.get(topic);
  members?.delete(socket);
  if (members?.size === 0) room.topics.delete(topic);
}

function newSite({ siteId, site }: Entry): SocketSite {
  return {
    id: siteId,
    name: site,
    rooms: new Map(),
    byNetwork: new Map(),
    count: 0,
    backlogBytes: 0,
    live: { deploy: undefined, checkedAtMs: 0, before: new Map() },
    ready: new Set(),
    waitingBytes: 0,
    inFlight: 0,
  };
}

function roomOf(site: SocketSite, deploy: DeployId | undefined): Room {
  const known = site.rooms.get(deploy ?? "");
  if (known) return known;
  const room: Room = { site, deploy, sockets: new Map(), topics: new Map() };
  site.rooms.set(deploy ?? "", room);
  return room;
}

function newSocket(room: Room, { id, deploy, network, about }: Entry): Socket {
  return {
    id,
    room,
    deploy,
    network,
    about,
    data: "null",
    ws: undefined,
    topics: undefined,
    waiting: undefined,
    waitingBytes: 0,
    isBusy: false,
    backlogBytes: 0,
    closing: undefined,
    closedAs: undefined,
    isOver: false,
  };
}
