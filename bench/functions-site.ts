import type { Server } from "./static-peers.ts";

/** A site with a program on a running server. */
export type Deployed = {
  server: Server;
  get: (path: string) => Promise<Response>;
  /** Kills the processes of the program and waits until the server knows. */
  endProcesses: () => Promise<void>;
};

const SITE = "bench";

/** Makes an account and a site on a fresh server, deploys the program, and waits until it answers. */
export async function deployProgram(
  at: { url: string; pid: number; host: string },
  code: string,
): Promise<Deployed> {
  const api = await signUp(at.url);
  const bytes = new TextEncoder().encode(code);
  const main = {
    sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    name: "main.js",
  };
  await api("POST", "/sites", { name: SITE });
  const deploys = `/sites/${SITE}/deploys`;
  const { id } = await api("POST", deploys, { files: {}, program: { main } });
  await api("PUT", `${deploys}/${String(id)}/blobs/sha256/${main.sha256}`, bytes);
  await api("POST", `${deploys}/${String(id)}/finalize`, { release: true });
  const get = (path: string): Promise<Response> =>
    fetch(at.url + path, { headers: { host: at.host } });
  const first = await get("/hello");
  if (!first.ok) throw new Error(`the program answers ${first.status}: ${await first.text()}`);
  return {
    server: { name: "land", url: at.url, pid: at.pid, host: at.host, path: (file) => `/${file}` },
    get,
    async endProcesses() {
      const processes = async (): Promise<number[]> => {
        const info = await api("GET", `/sites/${SITE}/functions`);
        return pidsOf(info["processes"]);
      };
      for (const pid of await processes()) process.kill(pid, "SIGKILL");
      while ((await processes()).length > 0) await Bun.sleep(5);
      // A site whose processes end again and again is started less often, until its variables change.
      await api("PUT", `/sites/${SITE}/env/ENDED`, { value: "yes", kind: "variable" });
    },
  };
}

function pidsOf(processes: unknown): number[] {
  if (!Array.isArray(processes)) return [];
  return processes.map((one: { pid: number }) => one.pid);
}

type Api = (
  method: string,
  path: string,
  body?: Uint8Array | object,
) => Promise<Record<string, unknown>>;

async function signUp(url: string): Promise<Api> {
  let token = "";
  const api: Api = async (method, path, body) => {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: {
        "content-type": isBytes ? "application/octet-stream" : "application/json",
        ...(token !== "" && { authorization: `Bearer ${token}` }),
      },
      ...(body && { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
  const account = await api("POST", "/users/register", {
    username: "bench",
    email: "bench@example.com",
    password: "correct horse battery",
  });
  token = String(account["token"]);
  return api;
}
