/** How work of one kind shares the lanes with others. */
export type Shares<T> = {
  /** Whose work it is: no group has more lanes than another while both have work left. */
  groupOf?: (item: T) => string;
  /** How many lanes it takes, such as 0.25; 1 by default, and never more than there are. */
  weightOf?: (item: T) => number;
};

/**
 * Does `work` for all items, at most `limit` at a time, in order of the items. After the first failure nothing new is
 * started; what runs is waited for, then that failure comes out.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, at: number) => Promise<R>,
  { groupOf = () => "", weightOf = () => 1 }: Shares<T> = {},
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const groups = groupItems(items, groupOf);
  let free = limit;
  await new Promise<void>((done) => {
    let running = 0;
    const start = (): void => {
      for (let group = leastBusy(groups); group; group = leastBusy(groups)) {
        const [next] = group.waiting;
        if (next === undefined || failures.length > 0) break;
        const weight = Math.min(weightOf(next.item), limit);
        if (weight > free) break;
        group.waiting.shift();
        void run(group, next, weight);
      }
      if (running === 0) done();
    };
    const run = async (group: Group<T>, { item, at }: Placed<T>, weight: number) => {
      running += 1;
      free -= weight;
      group.running += weight;
      try {
        results[at] = await work(item, at);
      } catch (error) {
        failures.push(error);
      }
      running -= 1;
      free += weight;
      group.running -= weight;
      start();
    };
    start();
  });
  if (failures.length > 0) throw failures[0];
  return results;
}

type Placed<T> = { item: T; at: number };
type Group<T> = { waiting: Placed<T>[]; running: number };

function groupItems<T>(items: readonly T[], groupOf: (item: T) => string): Group<T>[] {
  const groups = new Map<string, Group<T>>();
  for (const [at, item] of items.entries()) {
    const key = groupOf(item);
    const group = groups.get(key) ?? { waiting: [], running: 0 };
    group.waiting.push({ item, at });
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Of those with work left, the one that has the fewest lanes. */
function leastBusy<T>(groups: readonly Group<T>[]): Group<T> | undefined {
  let best: Group<T> | undefined;
  for (const group of groups)
    if (group.waiting.length > 0 && (!best || group.running < best.running)) best = group;
  return best;
}
