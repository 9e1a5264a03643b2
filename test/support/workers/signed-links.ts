/** A Worker with WebCrypto: links that are good for a minute, and tokens of three kinds. */
import { Buffer } from "node:buffer";

interface Env {
  SECRET_DATA: string;
}
type Claims = { sub: string; exp: number };

const EXPIRY = 60;
const encoder = new TextEncoder();

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const secretKey = await crypto.subtle.importKey(
      "raw",
      encoder.encode(env.SECRET_DATA),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign", "verify"],
    );
    const url = new URL(request.url);
    if (url.pathname.startsWith("/generate/")) {
      url.pathname = url.pathname.replace("/generate/", "/files/");
      const timestamp = Math.floor(Date.now() / 1000);
      const mac = await crypto.subtle.sign(
        "HMAC",
        secretKey,
        encoder.encode(`${url.pathname}${timestamp}`),
      );
      url.searchParams.set("verify", `${timestamp}-${Buffer.from(mac).toString("base64")}`);
      return new Response(`${url.pathname}${url.search}`);
    }
    if (url.pathname.startsWith("/files/")) {
      if (!url.searchParams.has("verify")) return new Response("Missing", { status: 403 });
      const [timestamp = "", hmac = ""] = (url.searchParams.get("verify") ?? "").split("-");
      const verified = await crypto.subtle.verify(
        "HMAC",
        secretKey,
        Buffer.from(hmac, "base64"),
        encoder.encode(`${url.pathname}${timestamp}`),
      );
      if (!verified) return new Response("Invalid", { status: 403 });
      if (Date.now() / 1000 > Number(timestamp) + EXPIRY)
        return new Response("Expired", { status: 403 });
      return new Response(`the file ${url.pathname.slice("/files/".length)}`);
    }
    if (url.pathname === "/tokens") return Response.json(await tokens());
    const credentials = request.headers.get("authorization")?.replace(/^Basic /, "");
    if (credentials === undefined || !isOwner(credentials, env))
      return new Response("Who are you?", {
        status: 401,
        headers: { "WWW-Authenticate": 'Basic realm="files", charset="UTF-8"' },
      });
    return new Response("hello, owner", { headers: { "Cache-Control": "no-store" } });
  },
};

/** Compares digests: they are equally long, and the time that it takes tells nothing. */
function isOwner(credentials: string, env: Env): boolean {
  const [one, two] = [Buffer.from(credentials, "base64").toString(), `owner:${env.SECRET_DATA}`];
  const [a, b] = [encoder.encode(one), encoder.encode(two)];
  if (a.byteLength !== b.byteLength) return false;
  // @ts-ignore -- Workers have it
  return crypto.subtle.timingSafeEqual(a, b);
}

/** Signs and checks a token by each algorithm, the public half going through a JWK; which of them held. */
async function tokens(): Promise<Record<string, boolean[]>> {
  const kinds = {
    ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    RS256: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    EdDSA: { name: "Ed25519" },
  };
  const held: Record<string, boolean[]> = {};
  for (const [alg, algorithm] of Object.entries(kinds)) {
    const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    if (!("privateKey" in pair)) throw new Error("no pair");
    const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const publicKey = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
    const claims: Claims = { sub: "ada", exp: Math.floor(Date.now() / 1000) + EXPIRY };
    const body = [{ alg, typ: "JWT" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = await crypto.subtle.sign(algorithm, pair.privateKey, encoder.encode(body));
    const check = (text: string) =>
      crypto.subtle.verify(algorithm, publicKey, signature, encoder.encode(text));
    held[alg] = [await check(body), await check(`${body}x`)];
  }
  return held;
}
