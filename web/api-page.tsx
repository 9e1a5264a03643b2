import type { Html } from "#html/html.ts";
import { type ApiPaths, renderApiText } from "#http/api-text.ts";

import { type Frame, Layout } from "./layout.tsx";
import { renderReadme } from "./markdown.ts";

/** `/docs/api`: every call of the API, from the routes themselves. */
export function ApiPage({ frame, paths }: { frame: Frame; paths: ApiPaths }): Html {
  return (
    <Layout frame={frame} title="API" canonical="/docs/api">
      <h1>The API</h1>
      <div class="readme">{renderReadme(renderApiText(paths)).html}</div>
    </Layout>
  );
}
