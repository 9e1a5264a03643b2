import prettyBytes from "pretty-bytes";

import type { Html } from "#html/html.ts";
import type { Traffic } from "#traffic/model.ts";

import { BarChart } from "./charts.tsx";
import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { Bytes, countOf, Empty, formatCount, Table } from "./ui.tsx";

/** The spans that the page offers, in days. */
const SPANS = [1, 7, 30, 90, 365] as const;

/** What this page is made from. */
export type SiteTrafficProps = SiteFrame & { traffic: Traffic; days: number };

/** `/sites/:site/traffic`: who came, drawn by the server. */
export function SiteTrafficPage({ frame, site, traffic, days }: SiteTrafficProps): Html {
  const { total } = traffic;
  const path = sitePath(site.name, "traffic");
  return (
    <SiteLayout frame={frame} site={site} tab="traffic">
      <div class="page-head">
        <h2>{days === 1 ? "Last 48 hours" : `Last ${days} days`}</h2>
        <nav class="sorts" aria-label="Span">
          {SPANS.map((span) => (
            <a href={`${path}?days=${span}`} aria-current={span === days ? "true" : undefined}>
              {span === 1 ? "48 hours" : span === 365 ? "1 year" : `${span} days`}
            </a>
          ))}
        </nav>
      </div>
      <dl class="figures">
        <Figure label="Visitors" value={formatCount(total.visitors)} />
        <Figure label="Pages" value={formatCount(total.pages)} />
        <Figure label="Requests" value={formatCount(total.requests)} />
        <Figure label="Sent" value={prettyBytes(total.bytes)} />
        <Figure label="Bots" value={formatCount(total.bots)} />
      </dl>
      {total.requests + total.bots === 0 ? (
        <Empty title="Nobody came yet">
          <p>
            Requests show up here some seconds after they were answered. Visitors are counted
            without cookies, and no address is kept.
          </p>
        </Empty>
      ) : (
        <Series traffic={traffic} days={days} />
      )}
      <div class="columns">
        <Items title="Pages and files" items={traffic.paths} />
        <Items title="Came from" items={traffic.referrers} none="No other site linked here." />
        <Items title="Answers" items={traffic.statuses} />
        {traffic.countries.length > 0 && <Items title="Countries" items={traffic.countries} />}
      </div>
      <p class="soft">
        Days and hours are UTC. Export as <a href={`${path}.csv?days=${days}`}>CSV</a> or{" "}
        <a href={`${path}.ndjson?days=${days}`}>NDJSON</a>.
      </p>
    </SiteLayout>
  );
}

function Figure({ label, value }: { label: string; value: string }): Html {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Series({ traffic, days }: Pick<SiteTrafficProps, "traffic" | "days">): Html {
  const rows =
    days === 1
      ? traffic.hours.map((one) => ({ ...one, label: `${one.hour.slice(11, 13)}:00` }))
      : traffic.days.map((one) => ({ ...one, label: one.day.slice(5) }));
  return (
    <>
      <div class="columns">
        {(["visitors", "pages"] as const).map((kind) => (
          <figure>
            <figcaption>{kind === "visitors" ? "Visitors" : "Pages"}</figcaption>
            <BarChart
              label={`${kind} ${days === 1 ? "per hour" : "per day"}; the numbers are in the table below`}
              bars={rows.map((row) => ({
                label: row.label,
                value: row[kind],
                text: formatCount(row[kind]),
              }))}
              format={formatCount}
            />
          </figure>
        ))}
      </div>
      <details>
        <summary>The numbers</summary>
        <Table
          label="Traffic over time"
          head={[days === 1 ? "Hour" : "Day", "Visitors", "Pages", "Requests", "Sent", "Bots"]}
        >
          {rows.toReversed().map((row) => (
            <tr>
              <th scope="row">
                {"day" in row ? row.day : row.hour.slice(0, 16).replace("T", " ")}
              </th>
              <td>{formatCount(row.visitors)}</td>
              <td>{formatCount(row.pages)}</td>
              <td>{formatCount(row.requests)}</td>
              <td>
                <Bytes value={row.bytes} />
              </td>
              <td>{formatCount(row.bots)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}

function Items(props: { title: string; items: Traffic["paths"]; none?: string }): Html {
  const most = Math.max(1, ...props.items.map(({ count }) => count));
  return (
    <section>
      <h3>{props.title}</h3>
      {props.items.length === 0 ? (
        <p class="soft">{props.none ?? "Nothing yet."}</p>
      ) : (
        <ol class="tops">
          {props.items.slice(0, 15).map(({ item, count, bytes }) => (
            <li title={`${countOf(count, "request")}, ${prettyBytes(bytes)}`}>
              <meter min={0} max={most} value={count} aria-hidden={true} />
              <span class="item">{item}</span>
              <span class="number">{formatCount(count)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
