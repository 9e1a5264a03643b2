import { printable, printableLines } from "#base/names.ts";
import { type Absence, explainAbsence } from "#install/why-not.ts";

import { defineCommand } from "./command.ts";
import { installOptions } from "./installing.ts";
import { tellNearest } from "./nearest-package.ts";
import { createProgress } from "./progress.ts";
import type { Style } from "./render.ts";
import { parseSpec } from "./spec.ts";

/** Shows what stands in the way of a version, or what having it would change. */
export default defineCommand({
  more: `Asks the solver whether the project could have that version beside all else it asks for. Where it could, it shows what
would change and the command for it. Where it could not, it shows why, and what helps, tried; the exit code is 10 then.
Nothing is written.`,
  examples: [
    "land why-not left@2 # why is it not version 2?",
    "land why-not left # why is it not the newest?",
    "land why-not left@beta --json",
  ],
  args: {
    package: { type: "one", name: "package[@range]", about: "The version, as in left@^2.0.0" },
    offline: { type: "boolean", about: "Ask no registry; use what is known here" },
  },
  async run(context, args) {
    const progress = createProgress(context);
    const onEvent = (event: { kind: string; packages?: number }): void => {
      if (event.kind === "resolve")
        progress.update({ verb: "Resolving", ...(event.packages && { packages: event.packages }) });
    };
    const flags = { offline: args.offline };
    const options = await installOptions(context, { kind: "install" }, flags, onEvent);
    const answer = await tellNearest(context, () =>
      explainAbsence(options, parseSpec(args.package)).finally(progress.stop),
    );
    return {
      value: answer,
      text: renderAbsence(answer, context.style),
      exitCode: answer.possible ? 0 : 10,
    };
  },
});

function renderAbsence(answer: Absence, style: Style): string {
  const what = style.bold(`${printable(answer.name)} ${printable(answer.range)}`);
  if (!answer.possible) return renderFailure(what, answer.failure, style);
  const { changes, needs, command } = answer;
  if (changes.length === 0 && needs.length === 0) return `${what} is what the project has`;
  const lines = changes.map(({ name, from, to }) => {
    if (from === undefined) return style.green(`+ ${printable(name)} ${printable(to ?? "")}`);
    if (to === undefined) return style.red(`- ${printable(name)} ${printable(from)}`);
    return style.yellow(`~ ${printable(name)} ${printable(to)} (was ${printable(from)})`);
  });
  const asks = needs.map((need) => `  ${printable(need)}`);
  return [
    needs.length === 0
      ? `Nothing stands in the way of ${what}`
      : `Only what the project itself asks for stands in the way of ${what}:`,
    ...asks,
    ...(lines.length === 0 ? [] : ["", "It would change:", ...lines]),
    "",
    command === undefined
      ? "Change that by hand, then run `land install`"
      : `To have it: ${style.cyan(command)}`,
  ].join("\n");
}

function renderFailure(
  what: string,
  { explanation, suggestions }: { explanation: string; suggestions: readonly string[] },
  style: Style,
): string {
  return [
    `The project cannot have ${what}`,
    "",
    style.wrap(printableLines(explanation)),
    ...(suggestions.length === 0 ? [] : ["", "Tried, and it works:"]),
    ...suggestions.map((command) => `  ${style.cyan(printable(command))}`),
  ].join("\n");
}
