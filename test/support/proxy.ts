import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** A proxy on the loopback: forwards `GET http://…`, and makes tunnels for `CONNECT`. */
export type TestProxy = AsyncDisposable & {
  /** `127.0.0.1:1234`. */
  host: string;
  /** First line of each request, and who asked. */
  requests: { line: string; authorization: string | undefined }[];
};

/** Starts one that takes these credentials alone (`user:password`), behind TLS where a certificate is given. */
export async function startProxy(
  options: { credentials?: string; tls?: { cert: string; key: string } } = {},
): Promise<TestProxy> {
  const requests: TestProxy["requests"] = [];
  const sockets = new Set<Socket>();
  const wanted = options.credentials && `Basic ${btoa(options.credentials)}`;
  const take = (client: Socket): void => {
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
    client.on("error", () => client.destroy());
    let head = "";
    const read = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      client.off("data", read);
      const line = head.slice(0, head.indexOf("\r\n"));
      const authorization = /^proxy-authorization: (.*)\r$/im.exec(head)?.[1];
      requests.push({ line, authorization });
      if (wanted !== undefined && authorization !== wanted)
        client.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
      else pass(client, line, head);
    };
    client.on("data", read);
  };
  const server: Server = options.tls ? createTlsServer(options.tls, take) : createServer(take);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function pass(client: Socket, line: string, head: string): void {
  const [method = "", target = ""] = line.split(" ");
  const url = new URL(method === "CONNECT" ? `http://${target}` : target);
  const far = connect(Number(url.port), "127.0.0.1");
  far.on("error", () => client.destroy());
  if (method === "CONNECT") client.write("HTTP/1.1 200 Connected\r\n\r\n");
  else far.write(head.replace(target, url.pathname).replace(/^connection:.*\r\n/im, ""), "latin1");
  client.pipe(far);
  far.pipe(client);
}
