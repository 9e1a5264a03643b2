import type { Html } from "#html/html.ts";
import type { DependentPage, Downloads, Package, Version } from "#registry/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import type { Readme } from "./markdown.ts";
import { PackageFacts } from "./package-facts.tsx";
import { Dependencies, Dependents, Versions } from "./package-sections.tsx";
import { Ago, Badge, CodeLine, Empty, packagePath } from "./ui.tsx";

/** What this page is made from. */
export type PackageProps = {
  frame: Frame;
  package: Package;
  /** The version shown: the one under `latest`, or the one that the address names. */
  version: Version;
  /** Whether the address names the version. */
  isPinned: boolean;
  readme: Readme | undefined;
  dependents: DependentPage;
  downloads: Downloads;
};

/** `/packages/:name` and `/packages/:name/:version`. */
export function PackagePage(props: PackageProps): Html {
  const { frame, package: pkg, version, isPinned } = props;
  const title = isPinned ? `${pkg.name} ${version.version}` : pkg.name;
  return (
    <Layout
      frame={frame}
      title={title}
      description={version.description || `${pkg.name} on this land registry`}
      canonical={packagePath(pkg.name)}
    >
      <PackageHead {...props} />
      <Warnings {...props} />
      <nav class="tabs" aria-label="On this page">
        <a href="#readme">Readme</a>
        <a href="#dependencies">
          Dependencies <span class="count">{Object.keys(version.dependencies).length}</span>
        </a>
        <a href="#dependents">
          Dependents{" "}
          <span class="count">
            {props.dependents.items.length}
            {props.dependents.next !== null && "+"}
          </span>
        </a>
        <a href="#versions">
          Versions <span class="count">{pkg.versions.length}</span>
        </a>
      </nav>
      <div class="package">
        <div class="package-main">
          <ReadmeSection readme={props.readme} />
          <Dependencies version={version} />
          <Dependents name={pkg.name} page={props.dependents} />
          <Versions package={pkg} shown={version.version} now={frame.now} />
        </div>
        <PackageFacts frame={frame} package={pkg} version={version} downloads={props.downloads} />
      </div>
    </Layout>
  );
}

function PackageHead({ frame, package: pkg, version, isPinned }: PackageProps): Html {
  const wanted = isPinned ? `${pkg.name}@${version.version}` : pkg.name;
  return (
    <header class="package-top">
      <div>
        <h1>
          {pkg.name} <span class="version">{version.version}</span>
        </h1>
        {version.description && <p class="lead">{version.description}</p>}
        <p class="package-facts">
          <span>
            published <Ago at={version.publishedAt} now={frame.now} />
            {version.publishedBy && ` by ${version.publishedBy}`}
          </span>
          {version.license && <span>{version.license}</span>}
          {version.key ? (
            <Badge kind="good" title={`Signed with ${version.key}`}>
              signed
            </Badge>
          ) : (
            <Badge title="The publisher did not sign this version">not signed</Badge>
          )}
          {isPreRelease(version.version) && <Badge kind="warn">pre-release</Badge>}
        </p>
      </div>
      <div class="install">
        <CodeLine code={`land add ${wanted}`} label="the land command" />
      </div>
    </header>
  );
}

function Warnings({ package: pkg, version, isPinned }: PackageProps): Html {
  const latest = pkg.tags["latest"];
  return (
    <>
      {version.yanked && (
        <p class="notice bad">
          <strong>This version is yanked.</strong> Installs that already locked it keep working; no
          new install picks it.
        </p>
      )}
      {version.deprecated !== null && (
        <p class="notice warn">
          <strong>Deprecated:</strong> {version.deprecated}
        </p>
      )}
      {isPinned && latest !== undefined && latest !== version.version && (
        <p class="notice">
          You are looking at {version.version}. The latest version is{" "}
          <a href={packagePath(pkg.name)}>{latest}</a>.
        </p>
      )}
    </>
  );
}

function ReadmeSection({ readme }: { readme: Readme | undefined }): Html {
  return (
    <section id="readme" aria-label="Readme">
      {readme ? (
        <div class="readme">{readme.html}</div>
      ) : (
        <Empty title="No readme">
          <p>This version was published without a README file.</p>
        </Empty>
      )}
      {readme?.isCut && <p class="soft">The readme is longer; the rest is in the archive.</p>}
    </section>
  );
}

/** Whether a version is a pre-release by SemVer. */
function isPreRelease(version: string): boolean {
  return version.includes("-");
}
