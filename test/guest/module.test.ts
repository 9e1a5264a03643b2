import { expect, test } from "bun:test";

import { headerOf, startGuest } from "#test/support/guest-host.ts";

test("a module answers", async () => {
  await using guest = await startGuest(
    `export default { fetch(request, env) { console.log("hi", {a: 1}); return new Response("hello " + new URL(request.url).pathname + env.NAME) } }`,
    { env: { NAME: "ada" } },
  );
  expect(guest.shape).toBe("module");
  const response = await guest.ask("/x");
  expect(headerOf(response, "content-type")).toBe("text/plain;charset=UTF-8");
  expect(await guest.text("/x")).toBe("hello /xada");
  expect(await guest.logged(/hi/)).toEqual({
    level: "info",
    message: "hi {\n  a: 1,\n}",
    requestId: "req1",
  });
});
