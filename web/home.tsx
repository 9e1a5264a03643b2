import type { Html } from "#html/html.ts";
import type { PackageSummary } from "#registry/model.ts";

import { type Frame, Layout } from "./layout.tsx";
import { PackageList } from "./package-list.tsx";
import { CodeLine, Empty } from "./ui.tsx";

/** What this page is made from. */
export type HomeProps = {
  frame: Frame;
  /** By last publish and by downloads; undefined where the visitor may not see packages. */
  lists: { recent: readonly PackageSummary[]; popular: readonly PackageSummary[] } | undefined;
};

/** `/`: what this server is, how to begin, what is new and what is used. */
export function HomePage({ frame, lists }: HomeProps): Html {
  const about =
    "A registry for packages and a host for sites: publish, install and deploy with one program.";
  return (
    <Layout frame={frame} title="land" description={about} canonical="/">
      <section class="hero">
        <Contours />
        <h1>A place for your packages and sites</h1>
        <p class="lead">
          A version once published stays as it is, checked and signed. A site is live in a second,
          and the deploy before it never gone.
        </p>
        <div class="hero-lines">
          <CodeLine code={`land login --registry ${frame.publicUrl}`} label="the login command" />
        </div>
        <p class="buttons">
          <a class="button" href="/packages">
            Browse packages
          </a>
          {!frame.user && (
            <a class="button quiet" href="/register">
              Make an account
            </a>
          )}
        </p>
      </section>
      <Lists frame={frame} lists={lists} />
    </Layout>
  );
}

function Lists({ frame, lists }: HomeProps): Html {
  if (!lists)
    return (
      <Empty title="The packages here are for members">
        <p>
          <a href="/login">Sign in</a> to see them.
        </p>
      </Empty>
    );
  if (lists.recent.length === 0) return <FirstSteps frame={frame} />;
  return (
    <>
      <div class="columns">
        <section aria-labelledby="recent">
          <h2 id="recent">Just published</h2>
          <PackageList items={lists.recent} now={frame.now} />
        </section>
        <section aria-labelledby="popular">
          <h2 id="popular">Most downloaded</h2>
          <PackageList items={lists.popular} now={frame.now} />
        </section>
      </div>
      <p class="more">
        <a href="/packages">Browse all packages →</a>
      </p>
    </>
  );
}

function FirstSteps({ frame }: { frame: Frame }): Html {
  return (
    <Empty title="No packages here yet">
      <p>Publish the first one from the folder of any project that has a manifest:</p>
      <CodeLine
        code={`export LAND_REGISTRY=${frame.publicUrl}`}
        label="the line that sets the registry"
      />
      {!frame.user && <CodeLine code="land register" label="the command that makes an account" />}
      <CodeLine code="land publish" label="the publish command" />
    </Empty>
  );
}

/** Height lines of a hill, as on a walker's map. */
function Contours(): Html {
  const rings = [
    "M260 40c70-34 158-20 190 40s-8 132-92 148-176 6-206-54 38-100 108-134z",
    "M272 66c54-26 122-16 147 30s-6 102-71 114-136 5-159-42 29-76 83-102z",
    "M285 92c39-19 88-12 106 21s-5 73-51 82-98 4-115-30 21-54 60-73z",
    "M298 116c25-12 56-7 67 14s-3 46-32 52-62 2-73-19 13-35 38-47z",
    "M311 138c11-5 26-3 31 7s-1 21-15 24-29 1-34-9 7-17 18-22z",
    "M246 10c88-42 198-24 238 50s-11 168-117 188-222 8-260-68S158 52 246 10z",
    "M232-22c106-50 238-28 286 62s-13 206-142 230-268 8-314-84S126 28 232-22z",
  ];
  return (
    <svg class="contours" viewBox="60 -30 480 320" aria-hidden={true}>
      {rings.map((d) => (
        <path d={d} />
      ))}
    </svg>
  );
}
