/** A Worker of the older shape: listens for requests and for the clock, and finds its bindings in the global scope. */
addEventListener("fetch", (event) => {
  event.respondWith(
    handleRequest(event).catch((error) => new Response(error.message, { status: 500 })),
  );
});

addEventListener("scheduled", (event) => {
  event.waitUntil(handleSchedule(event.scheduledTime));
});

const REDIRECTS = new Map([
  ["/bulk1", "/target"],
  ["/bulk2", "https://example.com/target2"],
]);

async function handleRequest(event) {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  const location = REDIRECTS.get(pathname);
  if (location) return Response.redirect(new URL(location, origin), 301);
  if (pathname === "/throw") throw new Error("on purpose");
  if (pathname === "/last") return new Response((await KV.get("last-run")) ?? "never");
  if (request.headers.get("X-Custom-PSK") !== PRESHARED)
    return new Response("Sorry, you have supplied an invalid key.", { status: 403 });
  if (request.method === "POST") {
    const form = await request.formData();
    const file = form.get("file");
    event.waitUntil(KV.put(`upload:${file.name}`, await file.arrayBuffer()));
    return Response.json({ name: file.name, size: file.size, fields: [...form.keys()] });
  }
  return Response.json({
    cookie: request.headers.get("Cookie"),
    uploads: (await KV.list({ prefix: "upload:" })).keys.map(({ name }) => name),
  });
}

async function handleSchedule(scheduledTime) {
  await KV.put("last-run", new Date(scheduledTime).toISOString());
}
