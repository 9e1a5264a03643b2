import type { Html } from "#html/html.ts";
import { Ago, Bytes, countOf } from "#web/ui.tsx";

import { ActButton, Frame, Later, type Page, Problem, Warnings } from "./frame.tsx";
import type { Told } from "./model.ts";
import { Pruned } from "./results.tsx";
import { pruneSummary } from "./summary.ts";
import { numberOf, objectOf, textOf, type Value } from "./values.ts";

/** `/store`: what `land store status` tells, with the acts on it. */
export function StorePage({ page, told }: { page: Page; told: Told }): Html {
  return (
    <Frame page={page} title="Store">
      <div class="page-head">
        <h1>Store</h1>
      </div>
      <p class="lead">Each file of each version once, shared by all projects.</p>
      {told.ok ? (
        <>
          <Warnings warnings={told.warnings} />
          <Facts page={page} value={objectOf(told.value)} />
        </>
      ) : (
        <Problem problem={told.problem} />
      )}
      <section class="part" aria-labelledby="prune">
        <h2 id="prune">Make room</h2>
        <p>
          What land.lock of a known project or a global package names always stays. Of the rest goes
          what is past the limits.
        </p>
        <Later href="prune-plan">What would go?</Later>
        <div class="acts">
          <ActButton page={page} fields={{ act: "prune" }} kind="quiet">
            Prune to the limits
          </ActButton>
          <ActButton page={page} fields={{ act: "prune-all" }} kind="quiet">
            Remove all that nothing needs
          </ActButton>
        </div>
      </section>
      <section class="part" aria-labelledby="repair">
        <h2 id="repair">Check it</h2>
        <p>What is missing or damaged is made anew from the archives.</p>
        <div class="acts">
          <ActButton page={page} fields={{ act: "repair-store" }} kind="quiet">
            Check and repair
          </ActButton>
          <ActButton page={page} fields={{ act: "repair-store-deep" }} kind="quiet">
            Read every byte
          </ActButton>
        </div>
      </section>
    </Frame>
  );
}

function Facts({ page, value }: { page: Page; value: Value }): Html {
  const part = (key: string) => {
    const { count, bytes } = { count: 0, bytes: 0, ...numbersOf(value[key]) };
    return { count, bytes };
  };
  const [archives, files, strays] = [part("archives"), part("files"), part("strays")];
  const limits = objectOf(value["limits"]);
  const prunedAt = textOf(value, "prunedAt");
  return (
    <dl class="pairs">
      <dt>In use</dt>
      <dd>
        <strong>
          <Bytes value={numberOf(value, "bytes") ?? 0} />
        </strong>
        {limitWords(numberOf(limits, "maxBytes") ?? 0)}
      </dd>
      <dt>Packages</dt>
      <dd>{countOf(numberOf(value, "packages") ?? 0, "version")}</dd>
      <dt>Archives</dt>
      <dd>
        {countOf(archives.count, "archive")}, <Bytes value={archives.bytes} />
      </dd>
      <dt>Files</dt>
      <dd>
        {countOf(files.count, "file")}, <Bytes value={files.bytes} />
        {(numberOf(value, "savedBytes") ?? 0) > 0 && (
          <span class="soft">
            {"; sharing saves "}
            <Bytes value={numberOf(value, "savedBytes") ?? 0} />
          </span>
        )}
      </dd>
      {strays.count > 0 && (
        <>
          <dt>Left over</dt>
          <dd>
            {countOf(strays.count, "file")}, <Bytes value={strays.bytes} />, gone at the next prune
          </dd>
        </>
      )}
      <dt>Limits</dt>
      <dd>
        {ageWords(numberOf(limits, "maxAgeDays") ?? 0)}
        {limits["autoPrune"] === true ? ", pruned by itself after installs" : ", never by itself"}
        {" · "}
        <a href="settings#cache">change</a>
      </dd>
      <dt>Last pruned</dt>
      <dd>{prunedAt === "" ? "never" : <Ago at={prunedAt} now={page.now} />}</dd>
      <dt>Folder</dt>
      <dd class="path">{textOf(value, "path")}</dd>
    </dl>
  );
}

function numbersOf(value: unknown): { count?: number; bytes?: number } {
  const [count, bytes] = ["count", "bytes"].map((key) => numberOf(objectOf(value), key));
  return { ...(count !== undefined && { count }), ...(bytes !== undefined && { bytes }) };
}

function limitWords(maxBytes: number): Html {
  return maxBytes === 0 ? (
    <span class="soft"> without a limit</span>
  ) : (
    <span class="soft">
      {" of at most "}
      <Bytes value={maxBytes} />
    </span>
  );
}

function ageWords(days: number): string {
  return days === 0 ? "Nothing goes by age" : `What nothing used for ${countOf(days, "day")} goes`;
}

/** What a prune would take: to the limits, and of all that nothing needs. */
export function PrunePlan(props: { page: Page; bounded: Told; all: Told }): Html {
  const { page, bounded, all } = props;
  const told = [bounded, all];
  const failed = told.find((one) => !one.ok);
  if (failed && !failed.ok) return <Problem problem={failed.problem} />;
  const [toLimits, toNeed] = told.map((one) => objectOf(one.ok ? one.value : undefined));
  return (
    <>
      <dl class="pairs">
        <dt>To the limits</dt>
        <dd>{pruneSummary(toLimits ?? {})}</dd>
        <dt>All unneeded</dt>
        <dd>{pruneSummary(toNeed ?? {})}</dd>
      </dl>
      {toNeed && hasRows(toNeed) && (
        <details>
          <summary>What nothing needs</summary>
          <Pruned value={toNeed} now={page.now} />
        </details>
      )}
    </>
  );
}

function hasRows(value: Value): boolean {
  return ["packages", "forgotten"].some((key) => {
    const list = value[key];
    return Array.isArray(list) && list.length > 0;
  });
}
