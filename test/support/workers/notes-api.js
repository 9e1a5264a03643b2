/** A Worker over a KV namespace: create, read, change, list in pages, let expire, remove; answers are put into a cache by the way. */
const corsHeaders = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, PUT, DELETE, OPTIONS",
};

export default {
  async fetch(request, env, ctx) {
    if (request.method === "OPTIONS") return new Response(null, { headers: corsHeaders });
    const { pathname, searchParams } = new URL(request.url);
    if (!pathname.startsWith("/notes")) return new Response("Not Found", { status: 404 });
    const key = decodeURIComponent(pathname.slice("/notes/".length));

    switch (request.method) {
      case "PUT": {
        const ttl = searchParams.get("ttl");
        await env.KV.put(`note:${key}`, request.body, {
          metadata: { type: request.headers.get("content-type"), by: searchParams.get("by") },
          ...(ttl ? { expirationTtl: parseInt(ttl) } : {}),
        });
        return new Response(null, { status: 201, headers: corsHeaders });
      }
      case "DELETE":
        await env.KV.delete(`note:${key}`);
        return new Response(null, { status: 204, headers: corsHeaders });
      case "GET":
        return key === "" ? list(env, searchParams) : read(request, env, ctx, key);
      default:
        return new Response("Method Not Allowed", { status: 405, headers: { Allow: "GET, PUT" } });
    }
  },
};

async function read(request, env, ctx, key) {
  const cache = caches.default;
  const cacheKey = new Request(new URL(request.url).toString(), request);
  let response = await cache.match(cacheKey);
  if (response) return response;

  const { value, metadata } = await env.KV.getWithMetadata(`note:${key}`, { type: "stream" });
  if (value === null) return new Response("No such note", { status: 404, headers: corsHeaders });
  response = new Response(value, {
    headers: { "Content-Type": metadata.type, "X-By": metadata.by ?? "", ...corsHeaders },
  });
  response.headers.append("Cache-Control", "s-maxage=10");
  ctx.waitUntil(cache.put(cacheKey, response.clone()));
  return response;
}

async function list(env, searchParams) {
  const page = await env.KV.list({
    prefix: "note:",
    limit: Number(searchParams.get("limit") ?? 1000),
    cursor: searchParams.get("cursor"),
  });
  return Response.json({
    notes: page.keys.map(({ name, metadata, expiration }) => ({
      name: name.replace("note:", ""),
      by: metadata?.by,
      expires: expiration !== undefined,
    })),
    complete: page.list_complete,
    ...(page.list_complete ? {} : { cursor: page.cursor }),
  });
}
