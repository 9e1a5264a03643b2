/** One way to fail. */
export type Entry<P> = {
  /** HTTP status: 4xx the caller can mend, 5xx we must. */
  status: number;
  title: string;
  /** Names the action that failed, quotes values, ends without a full stop. */
  detail: (params: P) => string;
  /** What to do next, as an imperative or a command to paste. */
  hint?: (params: P) => string;
  /** Process exit code; by default 15 for 401 and 403, else 1. */
  exit?: number;
};
const define = <P = Record<string, never>>(entry: Entry<P>): Entry<P> => entry;

/** Every way `land` can fail, in one table. Codes are public: never rename one, only add. */
export const catalogue = {
  // ── any request ──────────────────────────────────────────────────────────
  invalid_input: define<{ field: string; problem: string }>({
    status: 422,
    title: "Invalid input",
    detail: ({ field, problem }) => `Cannot accept "${field}": ${problem}`,
  }),
  bad_request: define<{ problem: string }>({
    status: 400,
    title: "Bad request",
    detail: ({ problem }) => `Cannot read the request: ${problem}`,
  }),
  not_found: define<{ what: string; hint?: string }>({
    status: 404,
    title: "Not found",
    detail: ({ what }) => `Cannot find ${what}`,
    hint: ({ hint = "" }) => hint,
  }),
  method_not_allowed: define<{ method: string; allow: string }>({
    status: 405,
    title: "Method not allowed",
    detail: ({ method, allow }) => `Cannot ${method} here: this address takes ${allow}`,
  }),
  payload_too_large: define<{ limitBytes: number; inParts?: boolean }>({
    status: 413,
    title: "Body too large",
    detail: ({ limitBytes }) => `Cannot take a body of more than ${limitBytes} bytes here`,
    hint: ({ inParts }) =>
      inParts ? "Send the list of files in parts: POST …/deploys/:id/files adds to it" : "",
  }),
  too_slow: define<{ bytesPerSecond: number }>({
    status: 408,
    title: "Body too slow",
    detail: ({ bytesPerSecond }) =>
      `Cannot wait for the body: it comes at less than ${bytesPerSecond} bytes a second`,
    hint: () => "Send it again over a better connection",
  }),
  unsupported_media_type: define<{ expected: string }>({
    status: 415,
    title: "Unsupported media type",
    detail: ({ expected }) => `Cannot read the body: send it as ${expected}`,
  }),
  rate_limited: define<{ what: string; retryAfterSeconds: number; limit?: number }>({
    status: 429,
    title: "Too many requests",
    detail: ({ what }) => `Cannot take more requests now: the limit of ${what} is used up`,
    hint: ({ retryAfterSeconds }) => `Try again in ${retryAfterSeconds} s`,
  }),
  shutting_down: define({
    status: 503,
    title: "Shutting down",
    detail: () => "Cannot start the request: the server is shutting down",
    hint: () => "Try again in a few seconds",
  }),
  internal: define({
    status: 500,
    title: "Internal error",
    detail: () => "Cannot finish: something broke inside land",
    hint: () => "Try again; if it stays, report it with the request id or the output of --verbose",
    exit: 70,
  }),
  // ── accounts ─────────────────────────────────────────────────────────────
  unauthenticated: define({
    status: 401,
    title: "Not signed in",
    detail: () =>
      "Cannot do this without an account: no valid token or session came with the request",
    hint: () => "Run `land login`, or `land register` for a new account, or set LAND_TOKEN",
  }),
  bad_credentials: define({
    status: 401,
    title: "Wrong name or password",
    detail: () => "Cannot sign in: the user name and password do not match an account",
    hint: () => "Check both; `land register` makes an account",
  }),
  forbidden: define<{ action: string; reason: string }>({
    status: 403,
    title: "Not allowed",
    detail: ({ action, reason }) => `Cannot ${action}: ${reason}`,
  }),
  scope_missing: define<{ action: string; scope: string }>({
    status: 403,
    title: "Token lacks a scope",
    detail: ({ action, scope }) => `Cannot ${action}: this token lacks the scope "${scope}"`,
    hint: ({ scope }) => `Make one with \`land token create --name NAME --scope ${scope}\``,
  }),
  csrf_failed: define({
    status: 403,
    title: "Form expired",
    detail: () => "Cannot accept the form: its security token does not belong to this session",
    hint: () => "Reload the page and send the form again",
  }),
  registration_closed: define({
    status: 403,
    title: "Registration closed",
    detail: () => "Cannot make an account: registration is closed on this server",
    hint: () => "Ask the operator of the server",
  }),
  invite_required: define({
    status: 403,
    title: "Invitation needed",
    detail: () => "Cannot make an account: this server needs a valid invitation code",
    hint: () =>
      "Ask an admin of the server for a code; the first account uses the one that `land serve` printed",
  }),
  user_exists: define<{ field: string; value: string }>({
    status: 409,
    title: "Account exists",
    detail: ({ field, value }) => `Cannot make the account: the ${field} "${value}" is taken`,
  }),
  key_taken: define<{ key: string }>({
    status: 409,
    title: "Key taken",
    detail: ({ key }) => `Cannot add the signing key "${key}": it belongs to another account`,
    hint: () => "Make a new key pair: one key signs for one account",
  }),
  key_revoked: define<{ key: string }>({
    status: 409,
    title: "Key revoked",
    detail: ({ key }) => `Cannot add the signing key "${key}": it was revoked`,
    hint: () => "Make a new key pair: a revoked key never comes back",
  }),
  // ── packages ─────────────────────────────────────────────────────────────
  package_not_found: define<{ name: string; nearest?: readonly string[] }>({
    status: 404,
    title: "Package not found",
    detail: ({ name }) => `Cannot find package "${name}" in this registry`,
    hint: ({ name, nearest = [] }) =>
      nearest.length === 0
        ? `Try \`land search ${name}\``
        : `Did you mean ${nearest.map((other) => `\`${other}\``).join(" or ")}?`,
  }),
  version_not_found: define<{ name: string; version: string }>({
    status: 404,
    title: "Version not found",
    detail: ({ name, version }) => `Cannot find version "${version}" of package "${name}"`,
    hint: ({ name }) => `See the versions with \`land info ${name}\``,
  }),
  version_exists: define<{ name: string; version: string }>({
    status: 409,
    title: "Version already published",
    detail: ({ name, version }) =>
      `Cannot publish "${name}@${version}": that version already exists`,
    hint: () => "Versions are immutable; raise `version` in the manifest and publish again",
  }),
  name_too_similar: define<{ name: string; taken: string }>({
    status: 409,
    title: "Name too similar",
    detail: ({ name, taken }) => `Cannot publish "${name}": it is too similar to "${taken}"`,
    hint: () =>
      "Choose a name that differs in more than `-`, `_` and `.`, or publish under your scope",
  }),
  name_reserved: define<{ name: string }>({
    status: 422,
    title: "Name reserved",
    detail: ({ name }) => `Cannot use the name "${name}": it is reserved`,
  }),
  name_invalid: define<{ what: string; value: string; problem: string }>({
    status: 422,
    title: "Invalid name",
    detail: ({ what, value, problem }) => `Cannot use "${value}" as ${what}: ${problem}`,
  }),
  not_owner: define<{ name: string; action: string }>({
    status: 403,
    title: "Not an owner",
    detail: ({ name, action }) => `Cannot ${action} "${name}": your account does not own it`,
    hint: ({ name }) =>
      `Ask an owner to do it or to add you; see who owns it with \`land info ${name}\``,
  }),
  scope_foreign: define<{ name: string; scope: string }>({
    status: 403,
    title: "Scope of another account",
    detail: ({ name, scope }) =>
      `Cannot publish "${name}": the scope "@${scope}" belongs to the account "${scope}"`,
    hint: () => "Publish under your own scope, `@<your user name>/…`",
  }),
  last_owner: define<{ name: string; user: string }>({
    status: 409,
    title: "Last owner",
    detail: ({ name, user }) =>
      `Cannot remove "${user}" from the owners of "${name}": a package has at least one owner`,
    hint: () => "Add another owner first",
  }),
  tag_fixed: define<{ name: string; tag: string }>({
    status: 409,
    title: "Tag cannot be removed",
    detail: ({ name, tag }) => `Cannot remove the tag "${tag}" of "${name}": it is always there`,
    hint: () => "Point it at another version instead",
  }),
  upload_lost: define<{ name: string; version: string }>({
    status: 503,
    title: "Upload lost",
    detail: ({ name, version }) =>
      `Cannot publish "${name}@${version}": its archive was cleaned up before it was recorded`,
    hint: () => "Publish again",
  }),
  manifest_invalid: define<{ file: string; field: string; problem: string }>({
    status: 422,
    title: "Invalid manifest",
    detail: ({ file, field, problem }) =>
      `Cannot use ${file}: ${field === "" ? "" : `"${field}" `}${problem}`,
  }),
  manifest_missing: define<{ dir: string }>({
    status: 422,
    title: "No manifest",
    detail: ({ dir }) => `Cannot find land.json or package.json in "${dir}"`,
    hint: () => "Run `land init` to make one, or name the folder with --cwd",
    exit: 2,
  }),
  manifest_mismatch: define<{ field: string; sent: string; archive: string }>({
    status: 422,
    title: "Manifests differ",
    detail: ({ field, sent, archive }) =>
      `Cannot publish: "${field}" is ${sent} in the manifest sent but ${archive} in the archive`,
  }),
  archive_invalid: define<{ entry: string; problem: string }>({
    status: 422,
    title: "Archive refused",
    detail: ({ entry, problem }) =>
      entry === ""
        ? `Cannot accept the archive: ${problem}`
        : `Cannot accept the archive: entry "${entry}" ${problem}`,
  }),
  archive_too_large: define<{ entry: string; problem: string }>({
    status: 413,
    title: "Archive too large",
    detail: ({ entry, problem }) =>
      entry === ""
        ? `Cannot accept the archive: ${problem}`
        : `Cannot accept the archive: entry "${entry}" ${problem}`,
    hint: () =>
      "Leave out what users do not need: see `land pack --dry-run`, `files` and .landignore",
  }),
  secrets_found: define<{ files: string }>({
    status: 422,
    title: "Secrets in the package",
    detail: ({ files }) => `Cannot publish what looks like secrets: ${files}`,
    hint: () =>
      "Name the files in .landignore; if they may be public, pass --allow-secrets: a published version is never taken back",
  }),
  signature_invalid: define<{ name: string; version: string; problem: string }>({
    status: 422,
    title: "Signature refused",
    detail: ({ name, version, problem }) =>
      `Cannot trust the signature of "${name}@${version}": ${problem}`,
    exit: 12,
  }),
  signature_required: define<{ name: string; version: string }>({
    status: 422,
    title: "Signature required",
    detail: ({ name, version }) => `Cannot install "${name}@${version}": it is not signed`,
    hint: () => "`security.requireSignatures` is on",
    exit: 12,
  }),
  not_signed: define<{ name: string; version: string }>({
    status: 422,
    title: "Not signed",
    detail: ({ name, version }) =>
      `Cannot trust a key of "${name}": its version ${version} is not signed`,
    hint: ({ name }) =>
      `Ask the publisher to sign it, or stay with a version that is; \`land trust remove ${name}\` takes it unsigned`,
    exit: 12,
  }),
  key_changed: define<{
    name: string;
    version: string;
    known: string;
    got: string;
    /** What the registry tells of the keys, one sentence each. */
    story?: readonly string[];
  }>({
    status: 422,
    title: "Signing key changed",
    detail: ({ name, version, known, got, story = [] }) =>
      [
        `Cannot install "${name}@${version}": land.lock knows it signed by ${known}, this version is ${got}`,
        ...(story.length > 0 ? ["", ...story.map((line) => `  ${line}`)] : []),
      ].join("\n"),
    hint: ({ name, got }) =>
      got === "not signed"
        ? `Ask the publisher why; to take it unsigned, forget its keys by \`land trust remove ${name}\` and install again`
        : `Ask the publisher whether this is meant; if it is, run \`land trust ${name}\` and install again`,
    exit: 12,
  }),
  // ── sites ────────────────────────────────────────────────────────────────
  site_not_found: define<{ site: string }>({
    status: 404,
    title: "Site not found",
    detail: ({ site }) => `Cannot find the site "${site}" on this server, or it is not yours`,
    hint: () => "See yours with `land sites list`",
  }),
  site_taken: define<{ site: string }>({
    status: 409,
    title: "Site name taken",
    detail: ({ site }) => `Cannot make the site "${site}": the name is taken`,
    hint: () => "Choose another with --site NAME",
  }),
  site_name_held: define<{ site: string; until: string }>({
    status: 409,
    title: "Site name held back",
    detail: ({ site, until }) =>
      `Cannot make the site "${site}": a site of another account had that name, and it is held for its owner until ${until}`,
    hint: () => "Choose another with --site NAME",
  }),
  site_role: define<{ site: string; action: string; role: string }>({
    status: 403,
    title: "Role too small",
    detail: ({ site, action, role }) =>
      `Cannot ${action} "${site}": it needs the role ${role} on the site`,
    hint: () => "Ask an owner of the site; see who that is with `land sites members`",
  }),
  last_site_owner: define<{ site: string; user: string }>({
    status: 409,
    title: "Last owner",
    detail: ({ site, user }) =>
      `Cannot take the role owner of "${site}" from "${user}": a site has at least one owner`,
    hint: () => "Make somebody else an owner first",
  }),
  deploy_not_found: define<{ site: string; deploy: string }>({
    status: 404,
    title: "Deploy not found",
    detail: ({ site, deploy }) => `Cannot find the deploy "${deploy}" of the site "${site}"`,
    hint: ({ site }) => `See them with \`land deploys --site ${site}\``,
  }),
  deploy_incomplete: define<{ site: string; deploy: string; missing: readonly string[] }>({
    status: 409,
    title: "Deploy incomplete",
    detail: ({ deploy, missing }) =>
      `Cannot finish the deploy "${deploy}": ${missing.length} of its files were not sent`,
    hint: () => "Run `land deploy` again: it sends only what is missing",
  }),
  deploy_finished: define<{ deploy: string }>({
    status: 409,
    title: "Deploy finished",
    detail: ({ deploy }) => `Cannot add files to the deploy "${deploy}": it is finished`,
    hint: () => "Make a new deploy",
  }),
  deploy_live: define<{ site: string; deploy: string }>({
    status: 409,
    title: "Deploy is live",
    detail: ({ site, deploy }) => `Cannot remove the deploy "${deploy}": "${site}" shows it`,
    hint: () => "Release another one first, with `land release ID` or `land rollback`",
  }),
  deploy_path_invalid: define<{ path: string; problem: string }>({
    status: 422,
    title: "File refused",
    detail: ({ path, problem }) => `Cannot deploy "${path}": ${problem}`,
  }),
  blob_refused: define<{ digest: string; problem: string }>({
    status: 422,
    title: "Blob refused",
    detail: ({ digest, problem }) => `Cannot take the blob "${digest}": ${problem}`,
  }),
  deploy_changed: define<{ path: string }>({
    status: 409,
    title: "File changed",
    detail: ({ path }) => `Cannot deploy "${path}": it changed or went away while it was sent`,
    hint: () => "Run `land deploy` again once nothing writes there; the site was left as it was",
  }),
  no_earlier_deploy: define<{ site: string }>({
    status: 409,
    title: "Nothing to go back to",
    detail: ({ site }) => `Cannot roll "${site}" back: no deploy was live before this one`,
    hint: ({ site }) =>
      `See its deploys with \`land deploys --site ${site}\`; \`land release ID\` shows any of them`,
  }),
  quota_exceeded: define<{
    what: string;
    limit: number;
    needed: number;
    unit: "bytes" | "files" | "sites" | "domains";
  }>({
    status: 413,
    title: "Quota used up",
    detail: ({ what, limit, needed, unit }) =>
      `Cannot go on: ${what} would take ${needed.toLocaleString("en-US")} ${unit}, and the limit is ${limit.toLocaleString("en-US")}`,
    hint: ({ unit }) =>
      unit === "bytes"
        ? "Remove what is not needed, old deploys too (`land deploys delete`), or ask the operator of the server for more"
        : "Remove what is not needed, or ask the operator of the server for more",
  }),
  deploy_secrets: define<{ files: string }>({
    status: 422,
    title: "Secrets in the site",
    detail: ({ files }) => `Cannot deploy what looks like secrets: ${files}`,
    hint: () => "Name the files in .landignore; if they may be public, pass --allow-secrets",
  }),
  password_wrong: define({
    status: 401,
    title: "Wrong password",
    detail: () => "Cannot open the site: the password is not right",
  }),
  site_protected: define<{ host: string }>({
    status: 401,
    title: "Site protected",
    detail: ({ host }) => `Cannot open "${host}": it is not for everybody`,
    hint: () => "Open it in a browser, or send its password as `Authorization: Basic`",
  }),
  site_maintenance: define<{ host: string; retryAfterSeconds: number }>({
    status: 503,
    title: "Under maintenance",
    detail: ({ host }) => `Cannot open "${host}": its owner is working on it`,
    hint: () => "Try again in a few minutes",
  }),
  domain_refused: define<{ host: string; problem: string }>({
    status: 422,
    title: "Domain refused",
    detail: ({ host, problem }) => `Cannot use the domain "${host}": ${problem}`,
  }),
  domain_taken: define<{ host: string }>({
    status: 409,
    title: "Domain taken",
    detail: ({ host }) => `Cannot use the domain "${host}": another site of this server has it`,
    hint: () => "Its owner must remove it there first",
  }),
  domain_not_found: define<{ site: string; host: string }>({
    status: 404,
    title: "Domain not found",
    detail: ({ site, host }) => `Cannot find the domain "${host}" of the site "${site}"`,
    hint: ({ site }) => `See them with \`land domains list --site ${site}\``,
  }),
  domain_unproven: define<{ host: string; record: string; value: string; problem: string }>({
    status: 409,
    title: "Domain not proven",
    detail: ({ host, problem }) => `Cannot verify the domain "${host}": ${problem}`,
    hint: ({ record, value }) =>
      `Set a TXT record at ${record} with the value ${value}, wait some minutes and try again`,
  }),
  misdirected: define<{ host: string }>({
    status: 421,
    title: "Misdirected request",
    detail: ({ host }) =>
      `Cannot answer for "${host}" on this connection: its certificate is for other names`,
  }),
  certificate_failed: define<{ name: string; problem: string; retryAfterSeconds?: number }>({
    status: 502,
    title: "No certificate",
    detail: ({ name, problem }) => `Cannot get a certificate for "${name}": ${problem}`,
  }),
  sealed_unreadable: define<{ what: string }>({
    status: 500,
    title: "Sealed text unreadable",
    detail: ({ what }) =>
      `Cannot open what is sealed for "${what}": it was sealed with another secret, or it was changed`,
    hint: () => "Restore the data folder whole, with its files `secret.key` and `env.key`",
  }),
  // ── functions ────────────────────────────────────────────────────────────
  program_invalid: define<{ problem: string }>({
    status: 422,
    title: "Program refused",
    detail: ({ problem }) => `Cannot take the program: ${problem}`,
  }),
  program_key: define<{ site: string }>({
    status: 403,
    title: "Program refused",
    detail: ({ site }) =>
      `Cannot deploy a program to "${site}" with a deploy key: a program reads the site's secrets`,
    hint: () =>
      "Let an owner allow it with `land sites key-programs` or on the site's settings page, or sign in",
  }),
  functions_unavailable: define<{ problem: string }>({
    status: 503,
    title: "Functions not available",
    detail: ({ problem }) => `Cannot run programs on this server: ${problem}`,
    hint: () => "`land doctor sandbox` on the server tells what is missing",
  }),
  sandbox_failed: define<{ step: string; problem: string }>({
    status: 503,
    title: "Sandbox not closed",
    detail: ({ step, problem }) => `Cannot confine a program: ${step}: ${problem}`,
    hint: () => "`land doctor sandbox` on the server tells what is missing",
  }),
  env_invalid: define<{ key: string; problem: string }>({
    status: 422,
    title: "Variable refused",
    detail: ({ key, problem }) => `Cannot set "${key}": ${problem}`,
  }),
  env_not_found: define<{ site: string; key: string }>({
    status: 404,
    title: "Variable not found",
    detail: ({ site, key }) => `Cannot find the variable "${key}" of the site "${site}"`,
    hint: ({ site }) => `See them with \`land env list --site ${site}\``,
  }),
  kv_invalid: define<{ key: string; problem: string }>({
    status: 422,
    title: "Key or value refused",
    detail: ({ key, problem }) => `Cannot use the key "${key}": ${problem}`,
  }),
  kv_not_found: define<{ site: string; key: string }>({
    status: 404,
    title: "Key not found",
    detail: ({ site, key }) => `Cannot find the key "${key}" of the site "${site}"`,
    hint: ({ site }) => `See them with \`land kv list --site ${site}\``,
  }),
  kv_quota: define<{ key: string; needed: number; limit: number }>({
    status: 413,
    title: "Key-value store full",
    detail: ({ key, needed, limit }) =>
      `Cannot write the key "${key}": the store would take ${needed.toLocaleString("en-US")} bytes, and its limit is ${limit.toLocaleString("en-US")}`,
    hint: () => "Remove keys that are not needed, or ask the operator of the server for more",
  }),
  kv_changed: define<{ site: string; key: string }>({
    status: 412,
    title: "Key changed",
    detail: ({ site, key }) =>
      `Cannot write the key "${key}" of the site "${site}": it is not as \`If-Match\` or \`If-None-Match\` says`,
    hint: () => "Read it again, and write on what it is now",
  }),
  cron_invalid: define<{ cron: string; problem: string }>({
    status: 422,
    title: "Schedule refused",
    detail: ({ cron, problem }) => `Cannot use the schedule "${cron}": ${problem}`,
    hint: () => 'Five fields, as in "0 4 * * *" for four o\'clock every day',
  }),
  cron_not_found: define<{ cron: string; timeZone: string }>({
    status: 404,
    title: "Schedule not found",
    detail: ({ cron, timeZone }) =>
      `Cannot find the schedule "${cron}" (${timeZone}) in the live program`,
    hint: () => "See them with `land crons list`",
  }),
  cron_running: define<{ cron: string }>({
    status: 409,
    title: "Schedule runs already",
    detail: ({ cron }) => `Cannot run the schedule "${cron}": its last run is not done yet`,
    hint: () => "See it with `land crons runs`",
  }),
  egress_invalid: define<{ host: string; problem: string }>({
    status: 422,
    title: "Host refused",
    detail: ({ host, problem }) => `Cannot allow the host "${host}": ${problem}`,
    hint: () => "Use a host name such as api.example.com or *.example.com, with :port if need be",
  }),
  // ── the client ───────────────────────────────────────────────────────────
  usage: define<{ problem: string; hint?: string }>({
    status: 400,
    title: "Wrong usage",
    detail: ({ problem }) => problem,
    hint: ({ hint }) => hint ?? "",
    exit: 2,
  }),
  needs_flag: define<{ flag: string; what: string }>({
    status: 400,
    title: "Missing flag",
    detail: ({ flag, what }) => `Cannot ask for ${what} without a terminal: give ${flag}`,
    exit: 2,
  }),
  cancelled: define({
    status: 499,
    title: "Cancelled",
    detail: () => "Cancelled",
    exit: 130,
  }),
  no_solution: define<{ explanation: string; suggestions?: readonly string[]; proof?: unknown }>({
    status: 422,
    title: "No solution",
    detail: ({ explanation }) => `Cannot find versions that fit together\n\n${explanation}`,
    hint: ({ suggestions = [] }) =>
      suggestions.length === 0
        ? ""
        : `Tried, and it works: ${suggestions.map((command) => `\`${command}\``).join(" or ")}`,
    exit: 10,
  }),
  not_required: define<{ name: string; hint: string }>({
    status: 404,
    title: "Not asked for",
    detail: ({ name }) => `Cannot remove "${name}": this project does not ask for it`,
    hint: ({ hint }) => hint,
  }),
  not_installed: define<{ name: string; hint: string }>({
    status: 404,
    title: "Not installed",
    detail: ({ name }) => `Cannot find "${name}" among what is installed here`,
    hint: ({ hint }) => hint,
  }),
  checksum_mismatch: define<{ what: string; expected: string; actual: string }>({
    status: 422,
    title: "Checksum mismatch",
    detail: ({ what, expected, actual }) =>
      `Cannot use ${what}: its checksum is ${actual}, but ${expected} was expected`,
    hint: () => "The bytes were changed on the way or at the source; nothing was installed",
    exit: 11,
  }),
  network: define<{ url: string; problem: string; hint?: string }>({
    status: 502,
    title: "Network",
    detail: ({ url, problem }) => `Cannot reach ${url}: ${problem}`,
    hint: ({ hint = "Check the connection, and the address in --registry or LAND_REGISTRY" }) =>
      hint,
    exit: 13,
  }),
  bad_answer: define<{ url: string; problem: string }>({
    status: 502,
    title: "Unexpected answer",
    detail: ({ url, problem }) => `Cannot understand the answer of ${url}: ${problem}`,
    hint: () => "Is this the address of a land registry?",
    exit: 13,
  }),
  credentials_invalid: define<{ path: string; problem: string }>({
    status: 422,
    title: "Credentials not readable",
    detail: ({ path, problem }) => `Cannot read the credentials in "${path}": ${problem}`,
    hint: () => "Mend the file, or move it away and run `land login`; it was left as it is",
    exit: 2,
  }),
  state_invalid: define<{ path: string; problem: string }>({
    status: 422,
    title: "State not readable",
    detail: ({ path, problem }) => `Cannot read the state in "${path}": ${problem}`,
    hint: () => "Move the file away to begin anew; it was left as it is",
    exit: 2,
  }),
  state_version_unknown: define<{ path: string; version: string }>({
    status: 422,
    title: "State of a newer land",
    detail: ({ path, version }) =>
      `Cannot read "${path}": its version ${version} is not known to this land`,
    hint: () => "Upgrade land; the file was left as it is",
    exit: 2,
  }),
  config_version_unknown: define<{ path: string; version: string }>({
    status: 422,
    title: "Configuration of a newer land",
    detail: ({ path, version }) =>
      `Cannot read "${path}": its version ${version} is not known to this land`,
    hint: () => "Upgrade land; the file was left as it is",
    exit: 2,
  }),
  verification_failed: define<{ what: string; problems: readonly string[] }>({
    status: 422,
    title: "Verification failed",
    detail: ({ what, problems }) => `Cannot vouch for ${what}: ${problems.join("; ")}`,
    hint: () => "Run `land verify --repair` to lay what is missing or changed anew",
    exit: 11,
  }),
  store_damaged: define<{ problems: number }>({
    status: 422,
    title: "Store damaged",
    detail: ({ problems }) => `Cannot vouch for the store: ${problems} of its objects are damaged`,
    hint: () => "Run `land store repair`",
    exit: 11,
  }),
  store_bundle_invalid: define<{ path: string; problem: string }>({
    status: 422,
    title: "Bundle not readable",
    detail: ({ path, problem }) => `Cannot import "${path}": ${problem}`,
  }),
  workspace_invalid: define<{ problem: string }>({
    status: 422,
    title: "Invalid workspace",
    detail: ({ problem }) => `Cannot use the workspace: ${problem}`,
  }),
  version_too_new: define<{ name: string; version: string; days: number }>({
    status: 422,
    title: "Version too new",
    detail: ({ name, version, days }) =>
      `Cannot install "${name}@${version}": it was published less than ${days} days ago`,
    hint: ({ name }) =>
      `Wait, lower security.minimumAge, or take an older one with \`land update ${name}\``,
  }),
  plugin_invalid: define<{ plugin: string; problem: string; hint?: string }>({
    status: 422,
    title: "Plugin not usable",
    detail: ({ plugin, problem }) => `Cannot load the plugin "${plugin}": ${problem}`,
    hint: ({ hint }) =>
      hint ?? "Mend it, remove it with `land plugin remove`, or pass --no-plugins",
  }),
  plugin_failed: define<{ plugin: string; what: string; problem: string }>({
    status: 500,
    title: "Plugin failed",
    detail: ({ plugin, what, problem }) =>
      `Cannot finish \`${what}\`: the plugin "${plugin}" failed: ${problem}`,
    hint: () => "That is for the author of the plugin to mend; --verbose shows where it arose",
    exit: 1,
  }),
  hook_refused: define<{ event: string; by: string; problem: string }>({
    status: 422,
    title: "Refused by a hook",
    detail: ({ event, by, problem }) => `Cannot go on: ${by} refuses ${event}: ${problem}`,
    hint: () => "Mend what it says; --no-plugins turns plugins and hooks off",
  }),
  policy_violated: define<{ what: string; problems: readonly string[] }>({
    status: 422,
    title: "Against the policy",
    detail: ({ what, problems }) => `Cannot accept ${what}: ${problems.join("; ")}`,
  }),
  upgrade_refused: define<{ problem: string; hint?: string }>({
    status: 422,
    title: "Upgrade refused",
    detail: ({ problem }) => `Cannot upgrade: ${problem}`,
    hint: ({ hint }) => hint ?? "The running land was left as it is",
  }),
  package_refused: define<{ name: string; version: string; problem: string }>({
    status: 422,
    title: "Package refused",
    detail: ({ name, version, problem }) => `Cannot install "${name}@${version}": ${problem}`,
    hint: () => "Tell its publisher; another version may do",
  }),
  bin_taken: define<{ bin: string; first: string; second: string; hint?: string }>({
    status: 409,
    title: "Command claimed twice",
    detail: ({ bin, first, second }) =>
      `Cannot install: both "${first}" and "${second}" bring a command named "${bin}"`,
    hint: ({ second, hint }) =>
      hint ?? `Leave one of them out, for example with \`land remove ${second}\``,
  }),
  bin_foreign: define<{ bin: string; path: string; package: string }>({
    status: 409,
    title: "Command not made by land",
    detail: ({ bin, path, package: name }) =>
      `Cannot install the command "${bin}" of "${name}": "${path}" is there already, and land did not make it`,
    hint: () => "Move that file away and try again; nothing was changed",
  }),
  lock_busy: define<{ what: string; holder: string }>({
    status: 409,
    title: "Lock busy",
    detail: ({ what, holder }) => `Cannot use ${what}: it is held by ${holder}`,
    hint: () => "Try again once that is done; LAND_LOCK_TIMEOUT is how many seconds to wait",
    exit: 14,
  }),
  lock_outdated: define<{ differences: string }>({
    status: 422,
    title: "Lock file outdated",
    detail: ({ differences }) =>
      `Cannot install from land.lock: it does not fit the manifest (${differences})`,
    hint: () => "Run `land install` without --frozen (and without CI=true) and commit land.lock",
  }),
  lock_missing: define<{ path: string }>({
    status: 422,
    title: "No lock file",
    detail: ({ path }) => `Cannot install frozen: there is no ${path}`,
    hint: () => "Run `land install` without --frozen (and without CI=true) and commit land.lock",
  }),
  lock_version_unknown: define<{ version: string }>({
    status: 422,
    title: "Unknown lock version",
    detail: ({ version }) =>
      `Cannot read land.lock: its version ${version} is not known to this land`,
    hint: () => "Upgrade land; the file was left as it is",
  }),
  lock_invalid: define<{ problem: string; hint?: string }>({
    status: 422,
    title: "Invalid lock file",
    detail: ({ problem }) => `Cannot read land.lock: ${problem}`,
    hint: ({ hint = "Restore it from version control, or remove it and run `land install`" }) =>
      hint,
  }),
  registry_untrusted: define<{ registry: string; name: string }>({
    status: 422,
    title: "Registry not configured",
    detail: ({ registry, name }) =>
      `Cannot fetch "${name}" from ${registry}: the lock names a registry that is neither the default nor configured`,
    hint: ({ registry }) =>
      `If you trust it, pass --registry ${registry}, or for good: \`land config set registry.trusted ${registry}\``,
  }),
  program_broken: define<{ file: string; problem: string }>({
    status: 422,
    title: "Program not runnable",
    detail: ({ file, problem }) => `Cannot run "${file}": ${problem}`,
    hint: ({ problem }) =>
      /is not installed|Could not resolve/.test(problem)
        ? "Is everything it imports installed? `land list` shows what land installed here"
        : "",
  }),
  install_dir_foreign: define<{ dir: string }>({
    status: 409,
    title: "Folder not made by land",
    detail: ({ dir }) => `Cannot install into "${dir}": land did not make that folder`,
    hint: () => "Move it away, or pass --yes to let land replace it",
  }),
  file_failed: define<{ action: string; path: string; problem: string; hint?: string }>({
    status: 500,
    title: "File operation failed",
    detail: ({ action, path, problem }) => `Cannot ${action} "${path}": ${problem}`,
    hint: ({ hint }) => hint ?? "",
    exit: 1,
  }),
  // ── the server's own set-up ──────────────────────────────────────────────
  config_invalid: define<{ key: string; source: string; problem: string }>({
    status: 422,
    title: "Invalid configuration",
    detail: ({ key, source, problem }) =>
      `Cannot use ${key === "" ? "" : `${key} from `}${source}: ${problem}`,
    exit: 2,
  }),
  address_in_use: define<{ address: string; problem: string }>({
    status: 409,
    title: "Cannot listen",
    detail: ({ address, problem }) => `Cannot listen on ${address}: ${problem}`,
    hint: () => "Choose another with --port or LAND_PORT; --port 0 picks a free one",
  }),
  data_newer: define<{ path: string; problem: string }>({
    status: 409,
    title: "Data folder not usable",
    detail: ({ path, problem }) => `Cannot open "${path}": ${problem}`,
    hint: () => "Use the land version that wrote it, or restore a backup; nothing was changed",
  }),
};
