import logo from "./logo.svg" with { type: "text" };
import script from "./script.js" with { type: "text" };

import style from "./style.css" with { type: "text" };

/** What every page sends. No inline script or style, nothing from elsewhere, no frames. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The other headers of every page. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

/** A file of the website. `url` holds a hash of the content, so it may be kept for ever. */
export type Asset = { url: string; body: string; headers: Readonly<Record<string, string>> };

/** The one stylesheet. */
export const styleAsset = asset(style, "css", "text/css; charset=utf-8");
/** The one script: comfort only. */
export const scriptAsset = asset(script, "js", "text/javascript; charset=utf-8");
/** The logo, also the icon of the site. */
export const logoAsset = asset(logo, "svg", "image/svg+xml");

const ASSETS = new Map([styleAsset, scriptAsset, logoAsset].map((one) => [one.url, one]));

/** The asset at a path like `/assets/1f0c….css`, or undefined. */
export function findAsset(path: string): Asset | undefined {
  return ASSETS.get(path);
}

function asset(body: string, extension: string, type: string): Asset {
  const hash = new Bun.CryptoHasher("sha256").update(body).digest("hex").slice(0, 16);
  const headers = {
    "content-type": type,
    "cache-control": "public, max-age=31536000, immutable",
    etag: `"${hash}"`,
    "x-content-type-options": "nosniff",
    // An SVG opened by itself is a document: it must run nothing either.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  return { url: `/assets/${hash}.${extension}`, body, headers };
}
