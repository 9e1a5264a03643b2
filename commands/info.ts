import { defineCommand } from "./command.ts";
import { connect } from "./connect.ts";
import { renderPackage, renderVersion } from "./render-package.ts";
import { parseSpec } from "./spec.ts";

/** Shows what the registry knows of a package or one of its versions. */
export default defineCommand({
  examples: ["land info left", "land info left@1.2.3", "land info left@beta --json"],
  args: {
    package: { type: "one", about: "Name of a package, or name@version, name@tag, name@range" },
  },
  async run(context, args) {
    const { name, wanted } = parseSpec(args.package);
    const { remote } = await connect(context);
    if (wanted === undefined) {
      const found = await remote.readPackage(name);
      return { value: found, text: renderPackage(found, context.style) };
    }
    const version = await remote.readVersion(name, wanted);
    return { value: version, text: renderVersion(version, context.style) };
  },
});
