/** A Worker made of two packages of npm: a small router, and a framework below one of its paths. */
import { Onion } from "onion";
import { json, Router, StatusError } from "quick-paths";

const app = new Onion();
app.use(async (c, next) => {
  await next();
  c.res.headers.set("X-Layers", "1");
});
app.use("/app/admin/*", async (c, next) => {
  if (c.req.header("authorization") !== `Bearer ${c.env.TOKEN}`) return c.json({ ok: false }, 401);
  c.set("user", "admin");
  await next();
});
app.get("/app/hello/:name", (c) =>
  c.text(`Hello ${c.req.param("name")}, ${c.req.query("how") ?? "well"}?`),
);
app.get("/app/admin/me", (c) => c.json({ user: c.get("user") }));
app.get("/app/page", (c) => {
  c.header("Set-Cookie", "a=1; Path=/");
  c.header("Set-Cookie", "b=2; Path=/");
  return c.html("<h1>Page</h1>");
});
app.get("/app/later", (c) => {
  c.executionCtx.waitUntil(c.env.KV.put("later", "done"));
  return c.text("soon");
});
app.get("/app/boom", () => {
  throw new Error("boom");
});
app.onError((error, c) => c.json({ error: error.message }, 500));

const router = Router({ base: "" });
const requireJson = (request) => {
  if (!request.headers.get("content-type")?.startsWith("application/json"))
    throw new StatusError(415, "JSON only");
};
router
  .get("/", () => json({ hello: "world" }))
  .get("/todos/:id", ({ params, query }) => json({ ...params, ...query }))
  .post("/todos", requireJson, (request) =>
    request.json().then((value) => json(value, { status: 201 })),
  )
  .all("/app/*", app.fetch)
  .all("*", () => new Response("Nothing here", { status: 404 }));

export default {
  fetch: (request, ...rest) =>
    router
      .fetch(request, ...rest)
      .catch((error) => json({ error: error.message }, { status: error.status ?? 500 })),
};
