/** What crawlers, monitors, scanners and driven browsers write that call themselves Mozilla. `Cubot` makes telephones. */
const MARKS =
  /(?<!cu)bot\b|bot[/;_-]|crawl|spider|slurp|scrap|archiv|headless|phantomjs|puppeteer|playwright|selenium|lighthouse|pagespeed|preview|externalhit|externalagent|facebookcatalog|google-|googleother|apis-google|mediapartners|chatgpt|claude|anthropic|perplexity|openai|cohere|semrush|ahrefs|pingdom|uptime|statuscake|monitor|gtmetrix|validator|feed|embedly|nuclei|nmap|masscan|zgrab|censys|expanse|internet-?measurement|python|curl|wget|https?:\/\/|\+http/i;

/**
 * Whether a `User-Agent` is that of a program and not of a browser that somebody looks at. Every browser of today begins
 * with `Mozilla/` (or, the small ones for old telephones, `Opera/`): all else, and none at all, is a program, such as curl,
 * wget, libraries and apps. Of the rest, those that name themselves are told by their names, or by the address of a page about them.
 */
export function isBot(userAgent: string): boolean {
  const claimsBrowser = userAgent.startsWith("Mozilla/") || userAgent.startsWith("Opera/");
  return !claimsBrowser || MARKS.test(userAgent);
}
