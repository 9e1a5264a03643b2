import type { Html } from "#html/html.ts";
import type { PackagePage } from "#registry/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import { PackageList } from "./package-list.tsx";
import { CodeLine, Empty, Pagination } from "./ui.tsx";

/** How a list may be sorted, and what that is called. */
export const SORTS = {
  relevance: "Relevance",
  downloads: "Downloads",
  updated: "Last update",
  name: "Name",
} as const;
/** A key of `SORTS`. */
export type Sort = keyof typeof SORTS;

/** What this page is made from. */
export type PackagesProps = {
  frame: Frame;
  q: string;
  sort: Sort;
  /** The cursor of this page, or undefined on the first. */
  cursor: string | undefined;
  page: PackagePage;
};

/** `/packages`: browse and search. */
export function PackagesPage({ frame, q, sort, cursor, page }: PackagesProps): Html {
  const path = (more: Record<string, string>): string => {
    const query = new URLSearchParams({ ...(q && { q }), sort, ...more });
    return `/packages?${query.toString()}`;
  };
  const title = q === "" ? "Packages" : `Packages for “${q}”`;
  return (
    <Layout frame={{ ...frame, query: q }} title={title} isPrivate={q !== ""} canonical="/packages">
      <div class="page-head">
        <h1>{title}</h1>
        {page.items.length > 0 && (
          <nav class="sorts" aria-label="Sort">
            {entries(q).map(([key, label]) => (
              <a href={path({ sort: key })} aria-current={key === sort ? "true" : undefined}>
                {label}
              </a>
            ))}
          </nav>
        )}
      </div>
      {page.items.length > 0 ? (
        <PackageList items={page.items} now={frame.now} />
      ) : q === "" ? (
        <Empty title="No packages here yet">
          <CodeLine code="land publish" label="the publish command" />
        </Empty>
      ) : (
        <Empty title="Nothing found">
          <p>
            Try fewer or shorter words, or <a href="/packages">browse all packages</a>.
          </p>
        </Empty>
      )}
      <Pagination
        first={cursor === undefined ? undefined : path({})}
        next={page.next === null ? undefined : path({ cursor: page.next })}
      />
    </Layout>
  );
}

/** Without words there is nothing to be relevant to. */
function entries(q: string): [string, string][] {
  return Object.entries(SORTS).filter(([key]) => key !== "relevance" || q !== "");
}
