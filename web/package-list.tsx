import type { Html } from "#html/html.ts";
import type { PackageSummary } from "#registry/model.ts";

import { Ago, Badge, countOf, packagePath } from "./ui.tsx";

/** Packages one below another, each with what it is and how alive it is. */
export function PackageList(props: { items: readonly PackageSummary[]; now: Date }): Html {
  return (
    <ul class="packages">
      {props.items.map((item) => (
        <PackageRow item={item} now={props.now} />
      ))}
    </ul>
  );
}

function PackageRow({ item, now }: { item: PackageSummary; now: Date }): Html {
  return (
    <li>
      <div class="package-head">
        <a class="package-name" href={packagePath(item.name)}>
          {item.name}
        </a>
        {item.version === null ? (
          <Badge kind="warn">all versions yanked</Badge>
        ) : (
          <span class="version">{item.version}</span>
        )}
      </div>
      {item.description && <p class="package-about">{item.description}</p>}
      <p class="package-facts">
        <span>{countOf(item.downloads, "download")}</span>
        <span>
          updated <Ago at={item.updatedAt} now={now} />
        </span>
        {item.keywords.length > 0 && (
          <span class="keywords">
            {item.keywords.slice(0, 5).map((word) => (
              <a href={`/packages?q=${encodeURIComponent(word)}`}>#{word}</a>
            ))}
          </span>
        )}
      </p>
    </li>
  );
}
