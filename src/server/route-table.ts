/** What is mounted at a path. */
export type RouteTable = {
  /** The methods that a path takes, in alphabetical order with HEAD beside GET, or undefined where no route matches. */
  methodsOf: (path: string) => readonly string[] | undefined;
};

type Node = {
  literal: Map<string, Node>;
  parameter?: Node;
  rest?: Set<string>;
  methods?: Set<string>;
};

const makeNode = (): Node => ({ literal: new Map() });

/**
 * Makes the table from a router's list. Elysia answers a wrong method with 404; this tells 405 and OPTIONS apart from it.
 *
 * @see RFC 9110 sections 9.3.7 and 15.5.6
 */
export function createRouteTable(routes: readonly { method: string; path: string }[]): RouteTable {
  const root = makeNode();
  for (const { method, path } of routes) add(root, segmentsOf(path), method.toUpperCase());
  return {
    methodsOf(path) {
      const methods = find(root, segmentsOf(path), 0);
      if (!methods) return undefined;
      const all = new Set([...methods, "OPTIONS", ...(methods.has("GET") ? ["HEAD"] : [])]);
      return [...all].toSorted();
    },
  };
}

function add(node: Node, segments: readonly string[], method: string): void {
  const [first, ...others] = segments;
  if (first === undefined) {
    (node.methods ??= new Set()).add(method);
  } else if (first === "*") {
    (node.rest ??= new Set()).add(method);
  } else if (first.startsWith(":")) {
    add((node.parameter ??= makeNode()), others, method);
  } else {
    const next = node.literal.get(first) ?? makeNode();
    node.literal.set(first, next);
    add(next, others, method);
  }
}

/** All methods of all patterns that match: a literal one does not hide those of a parameter. */
function find(node: Node, segments: readonly string[], at: number): Set<string> | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.methods;
  const literal = node.literal.get(segment);
  const found = [
    literal && find(literal, segments, at + 1),
    node.parameter && find(node.parameter, segments, at + 1),
    node.rest,
  ].filter((methods) => methods !== undefined);
  return found.length === 0 ? undefined : found.reduce((all, methods) => all.union(methods));
}

function segmentsOf(path: string): string[] {
  const trimmed = path.replace(/^\/|\/$/g, "");
  return trimmed === "" ? [] : trimmed.split("/");
}
