/** Orders texts by code unit: the same on every machine, whatever its locale. Fits `Array.sort`. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Orders things by their name, as `byText` does. */
export function byName(a: { name: string }, b: { name: string }): number {
  return byText(a.name, b.name);
}
