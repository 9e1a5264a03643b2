/** Long work in slices: at each `yield` others may have their turn. It answers what it returns. */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** Does the work without a pause, for small pieces of it. */
export function runWhole<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Does the work with a turn for everybody else after each slice. Rejects with what the work throws. */
export async function runInSlices<T>(work: Sliced<T>): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await giveWay();
  }
}

/** Resolves when all else that is ready had its turn. */
export function giveWay(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
