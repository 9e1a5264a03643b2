/** What a page can ask for: commands, in words for people. */
export type Act = {
  /** Shown as the heading of its page. */
  title: string;
  /** What would be typed, one after the other. */
  commands: readonly (readonly string[])[];
  /** Where it is done, absolute; undefined: anywhere. */
  dir: string | undefined;
  /** The page to go back to. */
  back: string;
};

/** The fields of a form, as far as acts look at them. */
export type Fields = { get: (name: string) => string | undefined };

const MAX_TEXT = 400;
const INSIDE_FLAG = /^-/;

/** The act that a form asks for; undefined where it is none that a page of ours sends. `dirs` are the projects that are known. */
export function actOf(fields: Fields, dirs: ReadonlySet<string>): Act | undefined {
  const dir = fields.get("dir");
  if (dir !== undefined && !dirs.has(dir)) return undefined;
  const name = wordOf(fields, "name");
  const spec = wordOf(fields, "spec");
  const act = fields.get("act") ?? "";
  return dir === undefined ? actOfHome(act, name, spec) : actOfProject(act, dir, name, spec);
}

function actOfProject(
  act: string,
  dir: string,
  name: string | undefined,
  spec: string | undefined,
): Act | undefined {
  const about = { dir, back: `/project?dir=${encodeURIComponent(dir)}` };
  const own = (title: string, ...argv: string[]): Act => ({ title, commands: [argv], ...about });
  switch (act) {
    case "install":
      return own("Install", "install");
    case "update":
      return name === undefined
        ? own("Update all within their ranges", "update")
        : own(`Update ${name}`, "update", "--", name);
    case "latest":
      return name === undefined
        ? own("Update all to the newest", "update", "--latest")
        : own(`Update ${name} to the newest`, "update", "--latest", "--", name);
    case "add":
      return spec === undefined ? undefined : own(`Add ${spec}`, "add", "--", spec);
    case "add-dev":
      return spec === undefined ? undefined : own(`Add ${spec}`, "add", "--dev", "--", spec);
    case "remove":
      return name === undefined ? undefined : own(`Remove ${name}`, "remove", "--", name);
    case "verify":
      return own("Verify", "verify");
    case "repair":
      return own("Verify and repair", "verify", "--repair");
    case "audit":
      return own("Audit", "audit");
    default:
      return undefined;
  }
}

function actOfHome(
  act: string,
  name: string | undefined,
  spec: string | undefined,
): Act | undefined {
  switch (act) {
    case "prune":
      return one("/store", "Prune the store", "store", "prune");
    case "repair-store":
      return one("/store", "Repair the store", "store", "repair");
    case "install-global":
      return spec === undefined
        ? undefined
        : one("/global", `Install ${spec} for you`, "install", "-g", "--", spec);
    case "uninstall-global":
      return name === undefined
        ? undefined
        : one("/global", `Uninstall ${name}`, "uninstall", "-g", "--", name);
    case "update-global":
      return one("/global", "Update what is installed for you", "update", "-g");
    case "logout":
      return name === undefined
        ? undefined
        : one("/accounts", `Sign out of ${name}`, "logout", "--registry", name);
    default:
      return undefined;
  }
}

function one(back: string, title: string, ...argv: string[]): Act {
  return { title, commands: [argv], dir: undefined, back };
}

/** A word of a command: never a flag, nothing that a terminal would act on. */
function wordOf(fields: Fields, name: string): string | undefined {
  const text = fields.get(name)?.trim();
  if (text === undefined || text === "" || text.length > MAX_TEXT) return undefined;
  return INSIDE_FLAG.test(text) || /[^\x21-\x7e]/.test(text) ? undefined : text;
}
