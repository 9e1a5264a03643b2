/** Where a request comes from, after trusted proxies were believed. */
export type Peer = {
  address: () => string;
  /** Whether the visitor's browser came by https. */
  secure: boolean;
  /** Over our own https: whether the connection may ask for a host. */
  covers?: (host: string) => boolean;
  /** Turns the connection of a request into a WebSocket, where it can be one. */
  upgrader?: Upgrader | undefined;
};

/** A server as the features behind it see it. */
export type Upgrader = {
  /** Whether it did; `data` is what the handlers of its WebSockets get. */
  upgrade(request: Request, options: { data: unknown; headers?: Bun.HeadersInit }): boolean;
};
