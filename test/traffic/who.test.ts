import { expect, test } from "bun:test";

import { networkOf } from "#base/address.ts";
import { isBot } from "#traffic/bots.ts";

import { FIREFOX, SAFARI } from "./world.ts";

test.each([
  [FIREFOX, false],
  [SAFARI, false],
  ["Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile", false],
  ["Opera/9.80 (J2ME/MIDP; Opera Mini/7.1/191.308; U; en) Presto/2.12.423 Version/12.16", false],
  ["", true],
  ["curl/8.5.0", true],
  ["Wget/1.21", true],
  ["python-requests/2.32.0", true],
  ["Go-http-client/2.0", true],
  ["Bun/1.4.5", true],
  ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true],
  [
    "Mozilla/5.0 (Linux; Android 6.0.1) Chrome/140 Mobile Safari/537.36 (compatible; GPTBot/1.2)",
    true,
  ],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0.0.0 Safari/537.36",
    true,
  ],
  ["Mozilla/5.0 AppleWebKit/537.36; ClaudeBot/1.0; +claudebot@anthropic.com", true],
  ["Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", true],
  ["facebookexternalhit/1.1", true],
  ["(other)", true],
])("%s: bot %p", (agent, bot) => {
  expect(isBot(agent)).toBe(bot);
});

test("a long user agent is judged in linear time", () => {
  // In the square of its length this would take hours.
  expect(isBot(`Mozilla/5.0 ${"bo".repeat(500_000)}${"/;".repeat(100_000)}`)).toBe(false);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:0DB8:0001:0002::6", "2001:db8:1:2"],
  ["2001:db8::", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
