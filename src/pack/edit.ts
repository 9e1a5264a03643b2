import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";

/** One change: the value at `path` becomes `value`; undefined takes the key away. */
export type ManifestEdit = { path: string[]; value: unknown };

/**
 * Changes single keys of a manifest's text and leaves every other character as it is: order of keys, indentation, line
 * ends, the newline at the end. A new key goes to its place where its map is sorted, else to its end; a new map goes
 * to the end. The text must be JSON that `parseManifest` took.
 *
 * jsonc-parser finds the places; its own edits would also spread neighbouring lists over several lines.
 */
export function editManifest(text: string, edits: ManifestEdit[]): string {
  return edits.reduce(applyEdit, text);
}

function applyEdit(text: string, { path, value }: ManifestEdit): string {
  const root = parseTree(text);
  const key = path.at(-1);
  if (root === undefined || key === undefined) return text;
  const style = styleOf(text);
  const present = findNodeAtLocation(root, path);
  if (value !== undefined && present)
    return splice(text, present, print(value, path.length, style));
  const parentPath = path.slice(0, -1);
  const parent = findNodeAtLocation(root, parentPath);
  if (value === undefined) return present && parent ? removeKey(text, parent, key) : text;
  if (parent?.type !== "object")
    return applyEdit(text, { path: parentPath, value: { [key]: value } });
  return insertKey(text, parent, key, { value, depth: path.length, style });
}

type Style = { indent: string; eol: string };

function styleOf(text: string): Style {
  return {
    indent: /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ",
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}

function insertKey(
  text: string,
  map: Node,
  key: string,
  { value, depth, style }: { value: unknown; depth: number; style: Style },
): string {
  const properties = map.children ?? [];
  const line = style.eol + style.indent.repeat(depth);
  const first = properties[0];
  const until = first?.offset ?? text.trimEnd().length;
  const onOneLine = !text.slice(first ? map.offset : 0, until).includes("\n");
  const printed = `${JSON.stringify(key)}: ${onOneLine ? printInline(value) : print(value, depth, style)}`;
  if (first === undefined && onOneLine) return splice(text, map, `{ ${printed} }`);
  if (first === undefined)
    return splice(text, map, `{${line}${printed}${style.eol}${style.indent.repeat(depth - 1)}}`);
  const gap = onOneLine ? " " : line;
  const index = depth === 1 ? properties.length : sortedPlace(properties.map(keyOf), key);
  const before = properties[index - 1];
  return before === undefined
    ? splice(text, { offset: first.offset, length: 0 }, `${printed},${gap}`)
    : splice(text, { offset: endOf(before), length: 0 }, `,${gap}${printed}`);
}

function removeKey(text: string, map: Node, key: string): string {
  const properties = map.children ?? [];
  const index = properties.findIndex((property) => keyOf(property) === key);
  const [before, own, after] = [properties[index - 1], properties[index], properties[index + 1]];
  if (own === undefined) return text;
  if (before)
    return splice(text, { offset: endOf(before), length: endOf(own) - endOf(before) }, "");
  if (after) return splice(text, { offset: own.offset, length: after.offset - own.offset }, "");
  return splice(text, map, "{}");
}

function sortedPlace(keys: string[], key: string): number {
  const sorted = keys.every((name, at) => at === 0 || (keys[at - 1] ?? "") <= name);
  const place = sorted ? keys.findIndex((name) => name > key) : -1;
  return place === -1 ? keys.length : place;
}

/** JSON of a value that begins behind a key at this depth. */
function print(value: unknown, depth: number, { indent, eol }: Style): string {
  return JSON.stringify(value, null, indent).replaceAll("\n", eol + indent.repeat(depth));
}

/** The same in one line. Line breaks within texts are written as `\\n`, so those that are left part values. */
function printInline(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/\n */g, " ");
}

function keyOf(property: Node): string {
  return String(property.children?.[0]?.value);
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

function splice(text: string, at: { offset: number; length: number }, replacement: string): string {
  return text.slice(0, at.offset) + replacement + text.slice(at.offset + at.length);
}
