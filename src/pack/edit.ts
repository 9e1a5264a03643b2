import { applyEdits, findNodeAtLocation, modify, type Node, parseTree } from "jsonc-parser";

/** One change: the value at `path` becomes `value`; undefined takes the key away. */
export type ManifestEdit = { path: string[]; value: unknown };

/**
 * Changes single keys of a manifest's text and leaves the rest as it is: order of keys, indentation, line ends, the
 * newline at the end. A new key goes to its place where the map is sorted, else to its end.
 */
export function editManifest(text: string, edits: ManifestEdit[]): string {
  return edits.reduce(applyEdit, text);
}

function applyEdit(text: string, { path, value }: ManifestEdit): string {
  const root = parseTree(text);
  const parentPath = path.slice(0, -1);
  const parent = root && findNodeAtLocation(root, parentPath);
  const present = root !== undefined && findNodeAtLocation(root, path) !== undefined;
  if (value === undefined && !present) return text;
  // Taking away the only key would leave its line behind.
  if (value === undefined && parent?.children?.length === 1 && parentPath.length > 0)
    return change(text, parentPath, {});
  return change(text, path, value, () => insertionIndex(parent, path.at(-1) ?? ""));
}

function change(
  text: string,
  path: string[],
  value: unknown,
  getInsertionIndex?: () => number,
): string {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  const edits = modify(text, path, value, {
    formattingOptions: {
      insertSpaces: !indent.startsWith("\t"),
      tabSize: indent.startsWith("\t") ? 1 : indent.length,
      eol: text.includes("\r\n") ? "\r\n" : "\n",
    },
    ...(getInsertionIndex && { getInsertionIndex }),
  });
  return applyEdits(text, edits);
}

function insertionIndex(parent: Node | undefined, key: string): number {
  const keys = (parent?.children ?? []).map((property) => String(property.children?.[0]?.value));
  const sorted = keys.every((name, at) => at === 0 || (keys[at - 1] ?? "") <= name);
  const before = sorted && keys.length > 0 ? keys.findIndex((name) => name > key) : -1;
  return before === -1 ? keys.length : before;
}
