import type { Html } from "#html/html.ts";
import type { PackageSummary } from "#registry/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import { PackageList } from "./package-list.tsx";
import { CodeLine, countOf, Empty } from "./ui.tsx";

/** What this page is made from. */
export type DashboardProps = {
  frame: Frame & { user: { name: string; admin: boolean } };
  /** The packages that the account owns. */
  packages: readonly PackageSummary[];
};

/** `/dashboard`: what is mine. */
export function DashboardPage({ frame, packages }: DashboardProps): Html {
  const downloads = packages.reduce((sum, one) => sum + one.downloads, 0);
  return (
    <Layout frame={frame} title="Dashboard" isPrivate>
      <div class="page-head">
        <h1>Your packages</h1>
        <p class="soft">
          {frame.user.name} · {countOf(packages.length, "package")} ·{" "}
          {countOf(downloads, "download")}
        </p>
      </div>
      {packages.length === 0 ? (
        <Empty title="You own no packages yet">
          <p>In the folder of a project:</p>
          <CodeLine code={`land login --registry ${frame.publicUrl}`} label="the login command" />
          <CodeLine code="land publish" label="the publish command" />
        </Empty>
      ) : (
        <PackageList items={packages} now={frame.now} />
      )}
    </Layout>
  );
}
