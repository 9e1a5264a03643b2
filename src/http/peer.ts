/** Where a request comes from, after trusted proxies were believed. */
export type Peer = {
  address: () => string;
  /** Whether the visitor's browser came by https. */
  secure: boolean;
  /** Over our own https: whether the connection may ask for a host. */
  covers?: (host: string) => boolean;
};
