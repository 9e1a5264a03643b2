import script from "./script.js" with { type: "text" };

import style from "./style.css" with { type: "text" };

/** A file that the pages need. */
export type UiAsset = { url: string; type: string; body: string };

/** Comfort: what goes on comes by itself. */
export const uiScript = asset(script, "js", "text/javascript; charset=utf-8");
/** What the pages have beside the style of the website. */
export const uiStyle = asset(style, "css", "text/css; charset=utf-8");

function asset(body: string, extension: string, type: string): UiAsset {
  const hash = new Bun.CryptoHasher("sha256").update(body).digest("hex").slice(0, 16);
  return { url: `/ui/${hash}.${extension}`, type, body };
}
