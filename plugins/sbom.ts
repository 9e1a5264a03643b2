import type { Plugin, PluginApi } from "#plugin/api.ts";

import { renderCycloneDx } from "./sbom-cyclonedx.ts";
import { readBill } from "./sbom-model.ts";
import { renderSpdx } from "./sbom-spdx.ts";
import { renderCount } from "./table.ts";

const RENDERERS = { cyclonedx: renderCycloneDx, spdx: renderSpdx };
const FORMATS = ["cyclonedx", "spdx"] as const;

/** The bill of materials of a project, from its lock. */
export default {
  name: "sbom",
  description: "the bill of materials of a project, from its lock",
  setup(land) {
    land.command({
      name: "sbom",
      about: "Write a bill of materials (SBOM) of the project's lock",
      more: `CycloneDX 1.6 or SPDX 2.3, as JSON: every package of land.lock with its checksum, license, package URL and what it
needs. With --reproducible the same lock gives the same bytes: the time is that of SOURCE_DATE_EPOCH, or none.`,
      examples: [
        "land sbom --output bom.json # CycloneDX",
        "land sbom --format spdx --reproducible",
      ],
      flags: {
        format: {
          type: "text",
          value: "FORMAT",
          oneOf: FORMATS,
          about: "cyclonedx or spdx (default: cyclonedx)",
        },
        output: {
          type: "text",
          value: "FILE",
          short: "o",
          about: "Where to write it (default: stdout)",
        },
        reproducible: { type: "boolean", about: "Nothing in it but what the lock says" },
      },
      run: ({ flags, args }) => write(land, flags, args),
    });
  },
} satisfies Plugin;

async function write(
  land: PluginApi,
  flags: Readonly<Record<string, string | boolean | undefined>>,
  args: readonly string[],
) {
  if (args.length > 0) throw land.error("usage", { problem: "Cannot use arguments here" });
  const format = FORMATS.find((one) => one === flags["format"]) ?? "cyclonedx";
  const bill = await readBill(land, flags["reproducible"] === true);
  const document = RENDERERS[format](bill);
  const text = JSON.stringify(document, undefined, 2);
  const file = flags["output"];
  if (typeof file !== "string") return { value: document, text };
  await land.writeFile(file, `${text}\n`);
  land.say(`Wrote ${file}: ${renderCount(bill.packages.length, "package")}`);
  return { value: { file, format, packages: bill.packages.length } };
}
