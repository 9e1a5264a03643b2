import { expect, test } from "bun:test";

import { commands } from "#commands/all.ts";

import { run } from "./world.ts";

test("land alone shows what most people need", async () => {
  const ran = await run([]);
  expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  expect(ran.stdout.replace(/\d+\.\d+\.\d+/, "X.Y.Z")).toMatchInlineSnapshot(`
    "land X.Y.Z: a package registry, a host for sites and their client in one program

    Usage: land <command>

    Most used:
      init     Make a land.json in this folder
      add      Add packages to the manifest and install them
      install  Install what the manifest and land.lock name
      search   Search the registry
      publish  Publish the package in this folder
      deploy   Put a folder on the web
      login    Sign in to the registry
      serve    Run a server: a registry and a host for sites

    See every command with \`land help\`, and one of them with \`land help <command>\`
    "
  `);
});

test("land help shows every command", async () => {
  const { stdout } = await run(["help"]);
  expect(stdout).toMatchInlineSnapshot(`
    "Usage: land <command>

    Project:
      init       Make a land.json in this folder
      add        Add packages to the manifest and install them
      remove     Take packages out of the manifest and the project
      install    Install what the manifest and land.lock name
      update     Move to the newest versions that the manifest allows
      uninstall  Take away packages that were installed for you
      lock       The lock of the project: merge, install-driver
      list       Show the installed packages as a tree
      outdated   Show which packages have newer versions
      why        Show what needs a package
      why-not    Show what stands in the way of a version
      verify     Compare what is installed with its archives
      audit      What registries tell now of the installed versions: signatures
      trust      Keys that packages may be signed by: list, remove
      run        Run a TypeScript or JavaScript file of the project
      ui         Show projects, store and accounts in the browser

    Registry:
      search     Search the registry
      info       Show a package of the registry
      pack       Write the archive that \`land publish\` would send
      publish    Publish the package in this folder
      yank       Keep new installs from picking a version
      deprecate  Warn whoever picks a version
      owner      Who owns a package: list, add, remove
      tag        Names of versions that move: list, set, remove

    Sites:
      deploy    Put a folder on the web
      dev       Serve a folder while you make it, with live reload
      release   Make a draft what visitors get
      rollback  Show an earlier deploy of a site again
      deploys   Show the deploys of a site: show, diff, delete
      sites     Your sites: list, create, show, delete, protect, unprotect, maintenance, key-programs, members, keys
      domains   Domains of your own for a site: list, add, verify, remove
      logs      Show the log of a site
      traffic   Show who visits a site
      env       Variables and secrets of a site: list, set, unset, import
      kv        The key-value store of a site: list, get, set, delete
      crons     Schedules of a site's program: list, runs, run
      egress    Where a site's program talks to: list, allow, deny, reset
      open      Open a site in the browser

    Account:
      register  Make an account on the registry
      login     Sign in to the registry
      logout    Forget the credential of the registry
      whoami    Show who is signed in to the registry
      token     Tokens for programs: create, list, revoke

    Client:
      store   What is stored of packages on this machine: path, status, prune, repair, export, import
      config  Settings of land on this machine: list, get, set, unset
      plugin  What land can do beyond its own: list, add, remove, types

    Server:
      serve    Run a server: a registry and a host for sites
      service  The server as a systemd service: install, uninstall
      admin    The data folder of a server: rotate-key

    Help:
      doctor       Check what land needs from this machine: sandbox
      upgrade      Replace this land by a newer one
      completions  Print what completes words of land in a shell
      version      Show the version of land

    Plugins:
      licenses  Show the licenses of the project's packages
      sbom      Write a bill of materials (SBOM) of the project's lock

    Flags of every command:
          --registry URL  Address of the registry
          --json          Print one JSON value on stdout and nothing else there
          --jsonl         Like --json, with progress as JSON lines before the value
      -y, --yes           Answer yes to every question
      -q, --quiet         Say nothing but the result and errors
          --verbose       Show where in land an error arose
          --no-color      Use no colours; NO_COLOR does the same
          --no-plugins    Load no plugins and run no hooks
          --cwd DIR       Run as if started in DIR
      -h, --help          Show the help of the command

    Each flag can be given by the environment: \`--dry-run\` is LAND_DRY_RUN=1, \`--tag\` is LAND_TAG
    See one command with \`land help <command>\`, as in \`land help sites\` and \`land help sites create\`
    "
  `);
  expect((await run(["--help"])).stdout).toBe(stdout);
  for (const name of Object.keys(commands)) {
    const [first = "", second = ""] = name.split(" ");
    expect(stdout).toMatch(new RegExp(`^  ${first} .*${second}`, "m"));
  }
});

test("land help token shows the commands of that word", async () => {
  const { stdout } = await run(["help", "token"]);
  expect(stdout).toMatchInlineSnapshot(`
    "Usage: land token <command>

    Commands:
      token create  Make a token for a program
      token list    Show the tokens of the account
      token revoke  Make a token worthless
    "
  `);
  expect((await run(["token", "--help"])).stdout).toBe(stdout);
});

test("land publish --help shows flags and examples, however wrong the rest is", async () => {
  const { stdout } = await run(["publish", "--help"]);
  expect(stdout).toMatchInlineSnapshot(`
    "Publish the package in this folder

    Usage: land publish [flags]

    Shows what will be sent and, at a terminal, asks before it is. A version can be published once: raise \`version\` in the
    manifest for the next. The version is signed with the key in LAND_SIGNING_KEY, else with the user's own, which the
    first publish makes outside CI. Files that look like secrets are asked about at a terminal and refused elsewhere, also
    with --yes.
    In a workspace --workspace publishes members, each after what it needs, with \`workspace:\` ranges as versions. Patterns
    pass over members that are private or have no version; of several, versions that are published already are skipped.

    Flags:
      -n, --dry-run         Send nothing
          --allow-secrets   Publish files that look like secrets, too
          --tag TAG         Tag to point at the version too
      -w, --workspace NAME  Members of the workspace: name, folder or pattern; '*' for all; may be given several times

    Flags of every command:
          --registry URL  Address of the registry
          --json          Print one JSON value on stdout and nothing else there
          --jsonl         Like --json, with progress as JSON lines before the value
      -y, --yes           Answer yes to every question
      -q, --quiet         Say nothing but the result and errors
          --verbose       Show where in land an error arose
          --no-color      Use no colours; NO_COLOR does the same
          --no-plugins    Load no plugins and run no hooks
          --cwd DIR       Run as if started in DIR
      -h, --help          Show the help of the command

    Examples:
      land publish --dry-run        # shows what would be sent, and sends nothing
      land publish --tag beta       # also points the tag beta at it
      land publish --workspace '*'  # all members that are not published yet
    "
  `);
  expect((await run(["publish", "-h", "--forzen"])).stdout).toBe(stdout);
  expect((await run(["help", "publish"])).stdout).toBe(stdout);
});

test("every command has help, examples of itself, and no line too wide for a screen", async () => {
  for (const name of Object.keys(commands)) {
    const ran = await run(["help", ...name.split(" ")]);
    expect({ name, exitCode: ran.exitCode }).toEqual({ name, exitCode: 0 });
    expect(ran.stdout).toContain(`Usage: land ${name}`);
    expect(ran.stdout).toMatch(new RegExp(`^  (?:sudo )?land ${name}`, "m"));
    for (const line of ran.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(125);
  }
});

test("with --json the help is a value too", async () => {
  expect((await run(["help", "version", "--json"])).json()).toEqual({
    help: expect.stringContaining("Usage: land version"),
  });
});
