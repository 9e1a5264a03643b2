import { page } from "./src/page.ts";
import { addTask, dropAll, dropTask, listTasks, tidy, toggleTask } from "./src/tasks.ts";

interface Env extends LandEnv {
  /** A secret, `land env set PASSWORD`: who knows it may remove everything. Without it nobody may. */
  PASSWORD?: string;
}

/** Pages and forms work without JavaScript; public/app.js makes them quicker. */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") {
      const form = await request.formData().catch(() => undefined);
      return form ? act(pathname, form, env) : new Response("Send a form", { status: 415 });
    }
    if (pathname !== "/") return new Response("Not found", { status: 404 });
    return show(env);
  },

  /** Every night: tasks that were done more than a day ago go. */
  async scheduled({ scheduledTime }, env) {
    const count = await tidy(env.DB, scheduledTime - 24 * 60 * 60 * 1000);
    await env.KV.put("tidied", JSON.stringify({ at: scheduledTime, count }));
    console.log(`${count} done tasks were removed`);
  },
} satisfies LandModule<Env>;

async function act(pathname: string, form: FormData, env: Env): Promise<Response> {
  const id = Number(form.get("id"));
  const title = textOf(form, "title").trim();
  if (pathname === "/add") {
    if (title === "" || title.length > 200) return show(env, "A task has 1 to 200 letters", 422);
    await addTask(env.DB, title);
  } else if (pathname === "/toggle") await toggleTask(env.DB, id);
  else if (pathname === "/drop") await dropTask(env.DB, id);
  else if (pathname === "/drop-all") {
    if (!env.PASSWORD || !(await sameText(textOf(form, "password"), env.PASSWORD)))
      return show(env, "That is not the password", 403);
    await dropAll(env.DB);
  } else return new Response("Not found", { status: 404 });
  return new Response(null, { status: 303, headers: { location: "/" } });
}

/** A field as text; a file counts as none. */
function textOf(form: FormData, field: string): string {
  const value = form.get(field);
  return typeof value === "string" ? value : "";
}

async function show(env: Env, problem?: string, status = 200): Promise<Response> {
  const html = page({
    tasks: await listTasks(env.DB),
    tidied: await env.KV.get<{ at: number; count: number }>("tidied", "json"),
    mayDropAll: env.PASSWORD !== undefined,
    problem,
  });
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(html, { status, headers });
}

/** Compares digests, so that the time tells nothing about the password. */
async function sameText(a: string, b: string): Promise<boolean> {
  const [one, two] = [await digestOf(a), await digestOf(b)];
  return one.reduce((differing, byte, at) => differing | (byte ^ (two[at] ?? 0)), 0) === 0;
}

async function digestOf(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
