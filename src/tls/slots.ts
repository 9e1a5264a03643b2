/** Bounds how much of something each key has at the same time. */
export type Slots = {
  /** Whether there was a place; then `release` gives it back. */
  take: (key: string) => boolean;
  release: (key: string) => void;
};

/** Makes them: at most `perKey` for a key and `all` together. Keys for which `exempt` is true are never refused nor counted. */
export function createSlots(
  perKey: number,
  all: number,
  exempt: (key: string) => boolean = () => false,
): Slots {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(key) {
      if (exempt(key)) return true;
      const own = taken.get(key) ?? 0;
      if (own >= perKey || total >= all) return false;
      taken.set(key, own + 1);
      total += 1;
      return true;
    },
    release(key) {
      const own = taken.get(key);
      if (own === undefined) return;
      total -= 1;
      if (own > 1) taken.set(key, own - 1);
      else taken.delete(key);
    },
  };
}
