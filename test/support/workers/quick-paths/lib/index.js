/** A router of few lines: each word that it is asked for is a method. */
export function Router({ base = "" } = {}) {
  const table = [];
  const router = new Proxy(
    {
      async fetch(request, ...rest) {
        const { pathname, searchParams } = new URL(request.url);
        const asked = Object.assign(request, { query: Object.fromEntries(searchParams) });
        for (const { method, pattern, handlers } of table) {
          const match =
            method === "ALL" || method === request.method ? pattern.exec(pathname) : null;
          if (!match) continue;
          asked.params = { ...match.groups };
          for (const handler of handlers) {
            const answer = await handler(asked, ...rest);
            if (answer !== undefined) return answer;
          }
        }
      },
    },
    {
      get: (target, word) =>
        target[word] ??
        ((path, ...handlers) => {
          const source = (base + path)
            .replaceAll(/\/?\*/g, "(?:/.*)?")
            .replaceAll(/:(\w+)/g, "(?<$1>[^/]+)");
          table.push({
            method: String(word).toUpperCase(),
            pattern: new RegExp(`^${source}/*$`),
            handlers,
          });
          return router;
        }),
    },
  );
  return router;
}

export const json = (value, init) => Response.json(value, init);
export class StatusError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
