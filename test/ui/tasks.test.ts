import { describe, expect, test } from "bun:test";

import { fail } from "#base/errors.ts";
import type { Invoke, UiStep } from "#ui/model.ts";

import { testUi, told } from "./house.ts";

/** A command that goes on until a test lets it, or until it is cancelled. */
function slowCommand(): {
  invoke: Invoke;
  step: (step: UiStep) => void;
  end: () => void;
  runs: Promise<void>;
} {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  const { promise: runs, resolve: begun } = Promise.withResolvers<void>();
  const listeners: ((step: UiStep) => void)[] = [];
  return {
    runs,
    end,
    step: (step) => {
      for (const listener of listeners) listener(step);
    },
    invoke: async (_argv, { signal, onStep }) => {
      if (onStep) listeners.push(onStep);
      begun();
      const cancelled = new Promise<void>((done) => signal.addEventListener("abort", () => done()));
      await Promise.race([promise, cancelled]);
      if (!signal.aborted)
        return told({ added: [{ name: "left", version: "1.0.0" }], unchanged: 2 });
      const { code, message: detail } = fail("cancelled", {});
      return { ok: false, problem: { code, detail }, warnings: [] };
    },
  };
}

const text = async (answer: Promise<Response>): Promise<string> => (await answer).text();

describe("an act", () => {
  test("is followed as it happens, and told when it is over", async () => {
    const { invoke, step, end, runs } = slowCommand();
    await using ui = testUi({ invoke });
    const { get, post } = await ui.enter();
    const begun = await post("act", { act: "install-global", spec: "left" });
    expect(begun.status).toBe(303);
    const location = begun.headers.get("location") ?? "";
    await runs;
    step({ text: "Downloading  1 of 2 files", share: 0.5, isItem: false });
    step({ text: "Downloaded <left>", isItem: true });
    const page = await text(get(location));
    expect(page).toContain("land install -g left");
    expect(page).toContain('<noscript><meta http-equiv="refresh" content="2"></noscript>');
    expect(page).toContain("Downloading  1 of 2 files");
    expect(page).toContain("Downloaded &lt;left&gt;");
    expect(page).toMatch(/<progress[^>]* value="0.5"/);
    expect(await text(get("done"))).toContain("running");
    const followed = text(get(location.replace("task", "events")));
    step({ text: "Linking 2 packages", isItem: false });
    end();
    const events = await followed;
    expect(events).toContain('event: item\ndata: "Downloaded <left>"');
    expect(events).toContain('data: {"text":"Linking 2 packages","share":null}');
    expect(events).toEndWith("event: end\ndata: {}\n\n");
    const result = await text(get(location));
    expect(result).toContain("3 packages: 1 added");
    expect(result).not.toContain("http-equiv");
    // Whoever comes later learns at once that it is over.
    expect(await text(get(location.replace("task", "events")))).toContain("event: end");
  });

  test("is cancelled, and said to be", async () => {
    const { invoke, runs } = slowCommand();
    await using ui = testUi({ invoke });
    const { get, post } = await ui.enter();
    const location = (await post("act", { act: "prune" })).headers.get("location") ?? "";
    await runs;
    const id = location.slice("task?id=".length);
    const followed = text(get(`events?id=${id}`));
    expect((await post("cancel", { id })).headers.get("location")).toBe(location);
    await followed;
    expect(await text(get(location))).toContain("Cancelled; nothing is left half done");
    expect((await post("cancel", { id: "nothing" })).status).toBe(404);
  });

  test("that throws is a failure with its words", async () => {
    await using ui = testUi({
      invoke: () =>
        Promise.reject(fail("not_installed", { name: "left", hint: "See `land list`" })),
    });
    const { act } = await ui.enter();
    const { html } = await act({ act: "prune" });
    expect(html).toContain("failed");
    expect(html).toContain("left");
  });

  test("that has to be asked for has a button that says yes", async () => {
    const problem = {
      code: "needs_flag",
      detail: "Cannot ask whether to remove x",
      hint: "Give --yes",
    };
    await using ui = testUi({
      known: ["/home/ada/app"],
      invoke: async (argv) =>
        argv.includes("--yes")
          ? told({ problems: [], packages: [], files: 0 })
          : { ok: false, problem, warnings: [] },
    });
    const { act } = await ui.enter();
    const { html } = await act({ act: "repair", dir: "/home/ada/app" });
    expect(html).toContain('name="act" value="repair-yes"');
    expect((await act({ act: "repair-yes", dir: "/home/ada/app" })).html).toContain("All whole");
  });

  test("ends with land ui, which waits for it", async () => {
    let isOver = false;
    const { promise: runs, resolve: begun } = Promise.withResolvers<void>();
    const ui = testUi({
      invoke: async (_argv, { signal }) => {
        begun();
        await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
        await Bun.sleep(20);
        isOver = true;
        return told({});
      },
    });
    const { post, get } = await ui.enter();
    const location = (await post("act", { act: "prune" })).headers.get("location") ?? "";
    await runs;
    const followed = text(get(location.replace("task", "events"))).catch(() => "cut off");
    await ui.stop();
    expect(isOver).toBe(true);
    expect(await followed).toContain("event: end");
    expect(await get("").catch(() => "closed")).toBe("closed");
  });
});

test("many may follow, and one more is told that it is too many", async () => {
  const { invoke, end, runs } = slowCommand();
  await using ui = testUi({ invoke });
  const { get, post } = await ui.enter();
  const location = (await post("act", { act: "prune" })).headers.get("location") ?? "";
  await runs;
  const path = location.replace("task", "events");
  const streams = await Promise.all(Array.from({ length: 64 }, () => get(path)));
  expect(streams.map(({ status }) => status)).toEqual(Array<number>(64).fill(200));
  expect((await get(path)).status).toBe(503);
  end();
  await Promise.all(streams.map((one) => one.text()));
  expect((await get(path)).status).toBe(200);
});

test("Quit answers, then ends", async () => {
  await using ui = testUi();
  const { post } = await ui.enter();
  expect(await text(post("quit", {}))).toContain("land ui has ended");
  await ui.ended;
});

test("the last hundred acts are remembered", async () => {
  await using ui = testUi({ invoke: async () => told({}) });
  const { act, get } = await ui.enter();
  const first = await act({ act: "prune" });
  for (let count = 0; count < 100; count++) await act({ act: "prune" });
  expect((await get(`task?id=${first.id}`)).status).toBe(404);
  expect((await text(get("done"))).split("<li>")).toHaveLength(101);
});
