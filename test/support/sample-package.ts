import type { Package, PackageSummary, Version } from "#registry/model.ts";

export const NOW = new Date("2026-06-01T12:00:00Z");
export const ago = (days: number): string =>
  new Date(NOW.getTime() - days * 86_400_000).toISOString();
export const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&`;
export const LONG = `@a-rather-long-organisation-name/${"very-".repeat(5)}long-name`;

export function summary(name: string, more: Partial<PackageSummary> = {}): PackageSummary {
  const description = "Reads the land and tells how high you stand";
  return {
    name,
    version: "1.4.2",
    description,
    keywords: ["maps", "height"],
    downloads: 12_345,
    updatedAt: ago(3),
    ...more,
  };
}

export function version(text: string, more: Partial<Version> = {}): Version {
  return {
    name: "@ada/contour",
    version: text,
    description:
      "Draws height lines from any grid of numbers, fast and without dependencies on the DOM",
    license: "MIT",
    digest: `sha256:${"3f7a9c".repeat(11).slice(0, 64)}`,
    integrity: `sha512-${"Qm9yZWFs".repeat(11)}==`,
    blake3: "b1a2".repeat(16),
    sizeBytes: 48_210,
    unpackedBytes: 201_934,
    dependencies: {
      left: "^1.2.0",
      "@ada/grid": "~0.4.1",
      "simplify-path-of-points": ">=2.0.0 <3.0.0",
    },
    optionalDependencies: { "fast-marching": "^3.0.0" },
    peerDependencies: {},
    engines: { land: ">=0.1.0" },
    bin: { contour: "bin/contour.ts" },
    key: `ed25519:${"dGhlIGtleSBvZiBhZGE".repeat(3).slice(0, 43)}`,
    sig: "c2lnbmF0dXJl".repeat(8).slice(0, 86),
    yanked: false,
    deprecated: null,
    publishedAt: ago(3),
    publishedBy: "ada",
    ...more,
  };
}

export const README = `# contour

[![CI](https://ci.example.com/badge.svg)](https://ci.example.com) ![license](https://img.example.com/mit.svg)

Draws **height lines** from any grid of numbers. Works in Bun, Node and the browser.

## Use

\`\`\`ts
import { contour } from "@ada/contour";

const lines = contour(grid, { step: 10, smooth: true, project: (x, y) => [x * 30, y * 30] });
console.log(lines.length);
\`\`\`

> Grids may hold holes: use \`NaN\` for what was not measured.

| option | type | default |
| --- | :-: | --: |
| \`step\` | number | 10 |
| \`smooth\` | boolean | false |

- [x] marching squares
- [ ] labels on lines
- see [the guide](docs/guide.md) or [the issues](https://github.com/ada/contour/issues)

1. Make a grid
2. Press <kbd>Enter</kbd>

<details><summary>How fast is it?</summary>

A grid of 1,000,000 cells takes 40 ms.

</details>
`;

export const sample: Package = {
  name: "@ada/contour",
  description: version("2.1.0").description,
  keywords: ["maps", "height", "contour", "svg"],
  license: "MIT",
  repository: "https://github.com/ada/contour",
  homepage: "https://contour.example.com/",
  tags: { latest: "2.1.0", next: "3.0.0-beta.2" },
  owners: ["ada", "grace"],
  versions: [
    version("3.0.0-beta.2", { publishedAt: ago(1), publishedBy: "grace" }),
    version("2.1.0"),
    version("2.0.1", { publishedAt: ago(40), yanked: true }),
    version("2.0.0", { publishedAt: ago(60), deprecated: "Loses the last row; use 2.1.0" }),
    ...Array.from({ length: 12 }, (_, index) =>
      version(`1.${11 - index}.0`, { publishedAt: ago(90 + index * 20) }),
    ),
  ],
  downloads: 1_284_093,
  createdAt: ago(400),
  updatedAt: ago(1),
};
