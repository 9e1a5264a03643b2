import { findNodeAtLocation, type Node, parseTree } from "jsonc-parser";

/**
 * Changes the value at `path` in a text of JSON with comments, and leaves all others, their order and every comment as they are.
 * Undefined takes the key away, and the maps around it that have nothing left in them. The text must be an object, of JSON that is
 * taken once comments are blanks.
 */
export function editSettings(text: string, path: readonly string[], value: unknown): string {
  const root = parseTree(blankComments(text));
  if (root === undefined) return text;
  if (value === undefined) return takeAway(text, root, path);
  const present = findNodeAtLocation(root, [...path]);
  if (present) {
    const end = present.offset + present.length;
    return text.slice(0, present.offset) + JSON.stringify(value) + text.slice(end);
  }
  // The deepest map that is there takes the rest of the way.
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const map = depth === 0 ? root : findNodeAtLocation(root, path.slice(0, depth));
    const name = path[depth];
    if (map?.type !== "object" || name === undefined) continue;
    const inner = path.slice(depth + 1).reduceRight((held, key) => ({ [key]: held }), value);
    const without = removeKey(text, map, name);
    return insertKey(without, path.slice(0, depth), name, inner);
  }
  return text;
}

function takeAway(text: string, root: Node, path: readonly string[]): string {
  if (findNodeAtLocation(root, [...path]) === undefined) return text;
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const map = depth === 0 ? root : findNodeAtLocation(root, path.slice(0, depth));
    const isAlone = map?.children?.length === 1;
    if (!isAlone || depth === 0) return removeKey(text, map, path[depth] ?? "");
  }
  return text;
}

/** The text with every comment as blanks, so that each place and each line stays where it is. */
export function blankComments(text: string): string {
  const next = /"(?:[^"\\]|\\[\s\S])*"?|\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
  return text.replace(next, (found) =>
    found.startsWith("/") ? found.replace(/[^\r\n]/g, " ") : found,
  );
}

function removeKey(text: string, map: Node | undefined, name: string): string {
  const own = map?.children?.find((property) => property.children?.[0]?.value === name);
  if (own === undefined) return text;
  const bare = blankComments(text);
  const end = own.offset + own.length;
  const after = /^\s*,/.exec(bare.slice(end));
  const before = /,\s*$/.exec(bare.slice(0, own.offset));
  if (after) return withoutLine(text, own.offset, end + after[0].length);
  const rest = withoutLine(text, own.offset, end);
  return before ? rest.slice(0, before.index) + rest.slice(before.index + 1) : rest;
}

/** Cuts out a part of the text, and its line where nothing else is in that. */
function withoutLine(text: string, from: number, to: number): string {
  const start = text.lastIndexOf("\n", from - 1) + 1;
  const line = /^[ \t]*\r?\n/.exec(text.slice(to));
  const alone = line !== null && text.slice(start, from).trim() === "";
  return alone
    ? text.slice(0, start) + text.slice(to + line[0].length)
    : text.slice(0, from) + text.slice(to);
}

/** Puts a key at the end of a map: behind the comment on the line of the one before it. */
function insertKey(text: string, path: readonly string[], name: string, value: unknown): string {
  const root = parseTree(blankComments(text));
  const map = root && findNodeAtLocation(root, [...path]);
  if (map === undefined) return text;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  const line = eol + indent.repeat(path.length + 1);
  const json = JSON.stringify(value, undefined, indent).replaceAll("\n", line);
  const printed = `${line}${JSON.stringify(name)}: ${json}`;
  const last = map.children?.at(-1);
  const close = map.offset + map.length - 1;
  if (last === undefined) {
    const inner = text.slice(map.offset + 1, close).trimEnd();
    return `${text.slice(0, map.offset + 1)}${printed}${inner}${eol}${indent.repeat(path.length)}${text.slice(close)}`;
  }
  const end = last.offset + last.length;
  const comment = /^(?:[ \t]|\/\*[\s\S]*?\*\/)*(?:\/\/[^\r\n]*)?(?=\r?\n)/.exec(
    text.slice(end, close),
  );
  const at = end + (comment?.[0].length ?? 0);
  const tail = comment ? "" : eol + indent.repeat(path.length);
  return `${text.slice(0, end)},${text.slice(end, at)}${printed}${tail}${text.slice(at)}`;
}
