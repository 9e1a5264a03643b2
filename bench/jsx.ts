/**
 * How fast our JSX runtime is beside the one of @elysiajs/html on one page-like table, both escaping every cell.
 * Run by hand: `bun bench/jsx.ts`. Prints the median of 15 rounds each and their ratio.
 */
import { Html } from "@elysiajs/html";

import { toText } from "#html/html.ts";
import { jsx } from "#html/jsx-runtime";

const ROWS = Array.from({ length: 200 }, (_, index) => ({
  name: `@scope/package-${index}`,
  about:
    index % 5 === 0
      ? `Reads <b> & "quotes" no. ${index}`
      : `A plain description of package ${index}`,
  downloads: index * 37,
}));
type Row = (typeof ROWS)[number];

const ourRow = (row: Row): ReturnType<typeof jsx> =>
  jsx("tr", {
    class: "row",
    children: [
      jsx("td", {
        children: jsx("a", { href: `/packages/${row.name}`, title: row.name, children: row.name }),
      }),
      jsx("td", { class: "about", children: row.about }),
      jsx("td", { "data-sort": row.downloads, children: row.downloads }),
    ],
  });
const ours = (): string => toText(jsx("table", { class: "packages", children: ROWS.map(ourRow) }));

const element = Html.createElement;
const peerRow = (row: Row): ReturnType<typeof element> =>
  element(
    "tr",
    { class: "row" },
    element(
      "td",
      {},
      element("a", { safe: true, href: `/packages/${row.name}`, title: row.name }, row.name),
    ),
    element("td", { safe: true, class: "about" }, row.about),
    element("td", { "data-sort": row.downloads }, row.downloads),
  );
const peer = (): string => {
  const page = element("table", { class: "packages" }, ROWS.map(peerRow));
  if (typeof page !== "string") throw new Error("the other runtime answered with a promise");
  return page;
};

/** Median microseconds of one render. The length is read so that a rope of strings counts as finished only when flat. */
function measure(render: () => string): number {
  const rounds = Array.from({ length: 15 }, () => {
    const start = Bun.nanoseconds();
    for (let turn = 0; turn < 200; turn++) Buffer.byteLength(render());
    return (Bun.nanoseconds() - start) / 200 / 1000;
  });
  return rounds.toSorted((a, b) => a - b)[7] ?? 0;
}

measure(ours);
measure(peer);
const our = measure(ours);
const other = measure(peer);
console.log(
  `land           ${our.toFixed(1)} µs per page of ${ROWS.length} rows, ${ours().length} characters`,
);
console.log(`@elysiajs/html ${other.toFixed(1)} µs, ${peer().length} characters`);
console.log(`ratio          ${(other / our).toFixed(2)} (above 1: land is faster)`);
