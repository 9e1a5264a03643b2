import type { Plugin, PluginApi } from "#plugin/api.ts";

import { renderCount } from "./table.ts";

const LIMIT_MS = 3000;
const FORMATS = ["json", "slack", "discord"] as const;
const EVENTS = ["postInstall", "postPublish", "postDeploy"] as const;

type Settings = {
  url: URL | undefined;
  format: (typeof FORMATS)[number];
  desktop: boolean;
  events: readonly string[];
};

/** Tells an address, or the desktop, what land did. */
export default {
  name: "notify",
  description: "tells an address, or the desktop, what was installed, published and deployed",
  setup(land) {
    const settings = readSettings(land);
    if (!settings || (!settings.url && !settings.desktop)) return;
    const on = (event: string): boolean => settings.events.includes(event);
    if (on("postInstall"))
      land.on("postInstall", (event) => {
        const names = event.packages.map(({ name, version }) => `${name}@${version}`);
        const shown = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
        const text = `Installed ${renderCount(names.length, "package")} in ${event.dir}: ${shown.join(", ")}`;
        return notify(land, settings, "postInstall", event, text);
      });
    if (on("postPublish"))
      land.on("postPublish", (event) => {
        const text = `Published ${event.name}@${event.version} to ${event.registry}`;
        return notify(land, settings, "postPublish", event, text);
      });
    if (on("postDeploy"))
      land.on("postDeploy", (event) => {
        const text = `Deployed ${event.site}${event.draft ? " as a draft" : ""}: ${event.url}`;
        return notify(land, settings, "postDeploy", event, text);
      });
  },
} satisfies Plugin;

/** The settings; undefined where they are wrong, which is warned of: no command fails for a message that is not sent. */
function readSettings({ settings, warn }: PluginApi): Settings | undefined {
  const { url, format = "json", desktop = false, events = EVENTS } = settings;
  const known = FORMATS.find((one) => one === format);
  const parsed = typeof url === "string" ? URL.parse(url) : undefined;
  const problem = !known
    ? `format is none of ${FORMATS.join(", ")}`
    : url !== undefined && !/^https?:$/.test(parsed?.protocol ?? "")
      ? "url is no address with http or https"
      : typeof desktop !== "boolean"
        ? "desktop is neither true nor false"
        : !isEvents(events)
          ? `events is no list of ${EVENTS.join(", ")}`
          : undefined;
  if (problem === undefined && known && isEvents(events))
    return { url: parsed ?? undefined, format: known, desktop: desktop === true, events };
  warn(`Cannot use plugins.notify of config.json: ${problem}`);
  return undefined;
}

function isEvents(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => EVENTS.some((event) => event === one));
}

async function notify(
  land: PluginApi,
  { url, format, desktop }: Settings,
  name: string,
  event: object,
  text: string,
): Promise<void> {
  const body =
    format === "slack"
      ? { text }
      : format === "discord"
        ? { content: text.slice(0, 2000), allowed_mentions: { parse: [] } }
        : { event: name, text, at: land.now().toISOString(), ...event };
  await Promise.all([url && post(land, url, body), desktop && showOnDesktop(land, text)]);
}

/** The address itself is never shown: that of a webhook is a secret. */
async function post(land: PluginApi, url: URL, body: object): Promise<void> {
  try {
    const { ok, status } = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": `land/${land.version}` },
      body: JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(LIMIT_MS), land.signal]),
      redirect: "error",
    });
    if (!ok) land.warn(`Cannot notify ${url.host}: it answered ${status}`);
  } catch (error) {
    const late = error instanceof Error && error.name === "TimeoutError";
    land.warn(`Cannot notify ${url.host}: ${late ? "it did not answer in time" : "not reached"}`);
  }
}

async function showOnDesktop(land: PluginApi, text: string): Promise<void> {
  const program = Bun.which("notify-send", { PATH: land.env["PATH"] ?? "" });
  if (program === null) return land.warn("Cannot notify the desktop: notify-send is not there");
  const child = Bun.spawn([program, "--app-name=land", "--", "land", text], {
    stdio: ["ignore", "ignore", "ignore"],
    timeout: LIMIT_MS,
  });
  if ((await child.exited) !== 0) land.warn("Cannot notify the desktop: notify-send failed");
}
