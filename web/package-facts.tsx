import type { Child, Html } from "#html/html.ts";
import type { Downloads, Package, Version } from "#registry/model.ts";

import type { Frame } from "./layout.tsx";
import { webAddress } from "./markdown.ts";
import { Bytes, countOf, formatCount, packagePath, Sparkline } from "./ui.tsx";

type FactsProps = { frame: Frame; package: Package; version: Version; downloads: Downloads };

/** The column beside the readme: everything about a version that fits on one line each. */
export function PackageFacts({ package: pkg, version, downloads }: FactsProps): Html {
  const repository = webAddress(pkg.repository);
  const homepage = webAddress(pkg.homepage);
  const recent = downloads.days.reduce((sum, one) => sum + one.count, 0);
  return (
    <aside class="facts" aria-label="About this version">
      <Fact label="Downloads">
        <p class="big">{formatCount(downloads.total)}</p>
        {downloads.days.length > 0 && (
          <>
            <Sparkline days={downloads.days} />
            <p class="soft">
              {formatCount(recent)} in the last {countOf(downloads.days.length, "day")}
            </p>
          </>
        )}
      </Fact>
      <Owners owners={pkg.owners} />
      {version.license && <Fact label="License">{version.license}</Fact>}
      {homepage && <Fact label="Homepage">{outside(homepage)}</Fact>}
      {repository && <Fact label="Repository">{outside(repository)}</Fact>}
      <Fact label="Size">
        <Bytes value={version.sizeBytes} /> packed, <Bytes value={version.unpackedBytes} /> unpacked
      </Fact>
      <Commands bin={version.bin} />
      <Engines engines={version.engines} />
      <Tags package={pkg} />
      {pkg.keywords.length > 0 && (
        <Fact label="Keywords">
          <span class="keywords">
            {pkg.keywords.map((word) => (
              <a href={`/packages?q=${encodeURIComponent(word)}`}>#{word}</a>
            ))}
          </span>
        </Fact>
      )}
      <Proof version={version} />
    </aside>
  );
}

function Fact({ label, children }: { label: string; children: Child }): Html {
  return (
    <section class="fact">
      <h2>{label}</h2>
      <div>{children}</div>
    </section>
  );
}

function Owners({ owners }: { owners: readonly string[] }): Html | null {
  if (owners.length === 0) return null;
  return (
    <Fact label={owners.length === 1 ? "Owner" : "Owners"}>
      <ul class="plain">
        {owners.map((owner) => (
          <li>{owner}</li>
        ))}
      </ul>
    </Fact>
  );
}

function outside(address: string): Html {
  const shown = address.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return (
    <a href={address} rel="nofollow noopener noreferrer ugc">
      {shown}
    </a>
  );
}

function Commands({ bin }: { bin: Version["bin"] }): Html | null {
  const names = Object.keys(bin);
  if (names.length === 0) return null;
  return (
    <Fact label={names.length === 1 ? "Command" : "Commands"}>
      {names.map((name) => (
        <code>{name}</code>
      ))}
    </Fact>
  );
}

function Engines({ engines }: { engines: Version["engines"] }): Html | null {
  const all = Object.entries(engines);
  if (all.length === 0) return null;
  return (
    <Fact label="Runs on">
      {all.map(([engine, range]) => (
        <code>
          {engine} {range}
        </code>
      ))}
    </Fact>
  );
}

function Tags({ package: pkg }: { package: Package }): Html | null {
  const all = Object.entries(pkg.tags);
  if (all.length === 0) return null;
  return (
    <Fact label="Tags">
      <ul class="plain">
        {all.map(([tag, version]) => (
          <li>
            {tag} → <a href={packagePath(pkg.name, version)}>{version}</a>
          </li>
        ))}
      </ul>
    </Fact>
  );
}

/** What proves that the bytes are the right ones. */
function Proof({ version }: { version: Version }): Html {
  return (
    <>
      <Fact label="Checksum">
        <code class="long">{version.digest}</code>
        <details>
          <summary>Other checksums</summary>
          <code class="long">{version.integrity}</code>
          <code class="long">blake3:{version.blake3}</code>
        </details>
      </Fact>
      <Fact label="Signature">
        {version.key === null ? (
          <p class="soft">This version is not signed</p>
        ) : (
          <>
            <code class="long">{version.key}</code>
            <details>
              <summary>Signature over name, version and checksum</summary>
              <code class="long">{version.sig}</code>
            </details>
          </>
        )}
      </Fact>
      <Fact label="Archive">
        <a
          href={`/api/v1/packages/${encodeURIComponent(version.name)}/${encodeURIComponent(version.version)}/download`}
          rel="nofollow"
          download
        >
          Download .tgz
        </a>
      </Fact>
    </>
  );
}
