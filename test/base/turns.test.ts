import { expect, test } from "bun:test";

import { createTurns } from "#base/turns.ts";

/** Work that ends when it is told to, and how many pieces of it ran at most at the same time. */
function piecesOfWork() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    most: () => most,
    ends,
    work: async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    },
  };
}

test("at most so many run at once, in the order they came; keys do not wait for each other", async () => {
  const inTurn = createTurns(2);
  const { ends, most, work } = piecesOfWork();
  const order: number[] = [];
  const all = [0, 1, 2, 3, 4].map((at) => inTurn("a", work).then(() => order.push(at)));
  expect(ends.length).toBe(2);
  expect(await inTurn("b", async () => "b")).toBe("b");
  for (const one of all) {
    ends.shift()?.();
    await one;
  }
  expect(most()).toBe(2);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("work that throws passes its turn on", async () => {
  const inTurn = createTurns(1);
  const failing = inTurn("a", () => Promise.reject(new Error("broken")));
  const next = inTurn("a", async () => "next");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("next");
});

test("past a full queue work is refused, and what waits is done all the same", async () => {
  const inTurn = createTurns(1, { max: 1, refuse: () => new Error("full") });
  const { ends, work } = piecesOfWork();
  const [first, second] = [inTurn("a", work), inTurn("a", async () => "second")];
  await expect(inTurn("a", async () => "third")).rejects.toThrow("full");
  ends.shift()?.();
  expect(await second).toBe("second");
  await first;
  expect(await inTurn("a", async () => "fourth")).toBe("fourth");
});
