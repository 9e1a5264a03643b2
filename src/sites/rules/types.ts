const OCTETS = "application/octet-stream";

/** Type → the extensions that have it. Text types get their charset when they are looked up. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/html": "html htm shtml",
  "application/xhtml+xml": "xhtml xht",
  "text/css": "css",
  "text/javascript": "js mjs cjs",
  "text/plain": "txt text log conf ini diff patch srt",
  "text/markdown": "md markdown mdown",
  "text/csv": "csv",
  "text/tab-separated-values": "tsv",
  "text/calendar": "ics ifb",
  "text/vcard": "vcf vcard",
  "text/vtt": "vtt",
  "text/x-component": "htc",
  "text/cache-manifest": "appcache",
  "text/yaml": "yaml yml",
  "application/json": "json map topojson json5",
  "application/ld+json": "jsonld",
  "application/geo+json": "geojson",
  "application/manifest+json": "webmanifest",
  "application/feed+json": "jsonfeed",
  "application/schema+json": "schema",
  "application/x-ndjson": "ndjson jsonl",
  "application/toml": "toml",
  "application/xml": "xml xsd rng",
  "application/xslt+xml": "xsl xslt",
  "application/rss+xml": "rss",
  "application/atom+xml": "atom",
  "application/rdf+xml": "rdf owl",
  "application/opensearchdescription+xml": "osdx",
  "application/mathml+xml": "mathml mml",
  "application/gpx+xml": "gpx",
  "application/vnd.google-earth.kml+xml": "kml",
  "application/wasm": "wasm",
  "application/pdf": "pdf",
  "application/rtf": "rtf",
  "application/postscript": "ps eps ai",
  "application/epub+zip": "epub",
  "application/sql": "sql",
  "application/x-sh": "sh",
  "application/zip": "zip",
  "application/gzip": "gz tgz",
  "application/zstd": "zst",
  "application/x-bzip2": "bz2",
  "application/x-xz": "xz",
  "application/x-7z-compressed": "7z",
  "application/vnd.rar": "rar",
  "application/x-tar": "tar",
  "application/java-archive": "jar",
  "application/vnd.android.package-archive": "apk",
  "application/x-apple-diskimage": "dmg",
  "application/x-bittorrent": "torrent",
  "application/x-chrome-extension": "crx",
  "application/x-xpinstall": "xpi",
  "application/x-x509-ca-cert": "crt cer der",
  "application/x-pem-file": "pem",
  "application/pgp-signature": "asc sig",
  "application/vnd.apple.mpegurl": "m3u8",
  "application/dash+xml": "mpd",
  "application/vnd.ms-fontobject": "eot",
  "application/msword": "doc",
  "application/vnd.ms-excel": "xls",
  "application/vnd.ms-powerpoint": "ppt",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
  "application/vnd.oasis.opendocument.text": "odt",
  "application/vnd.oasis.opendocument.spreadsheet": "ods",
  "application/vnd.oasis.opendocument.presentation": "odp",
  "application/vnd.sqlite3": "sqlite sqlite3",
  "application/vnd.apache.parquet": "parquet",
  "application/x-ipynb+json": "ipynb",
  "image/svg+xml": "svg",
  "image/png": "png",
  "image/apng": "apng",
  "image/jpeg": "jpg jpeg jpe jfif",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
  "image/jxl": "jxl",
  "image/heic": "heic",
  "image/heif": "heif",
  "image/bmp": "bmp",
  "image/tiff": "tif tiff",
  "image/vnd.microsoft.icon": "ico cur",
  "image/ktx2": "ktx2",
  "font/woff2": "woff2",
  "font/woff": "woff",
  "font/ttf": "ttf",
  "font/otf": "otf",
  "font/collection": "ttc",
  "audio/mpeg": "mp3",
  "audio/mp4": "m4a",
  "audio/aac": "aac",
  "audio/ogg": "ogg oga opus",
  "audio/wav": "wav",
  "audio/flac": "flac",
  "audio/midi": "mid midi",
  "audio/webm": "weba",
  "audio/aiff": "aif aiff",
  "video/mp4": "mp4 m4v",
  "video/webm": "webm",
  "video/ogg": "ogv",
  "video/quicktime": "mov",
  "video/x-msvideo": "avi",
  "video/x-matroska": "mkv",
  "video/mpeg": "mpeg mpg",
  "video/mp2t": "ts m2ts",
  "video/3gpp": "3gp",
  "model/gltf+json": "gltf",
  "model/gltf-binary": "glb",
  "model/obj": "obj",
  "model/stl": "stl",
  "model/vnd.usdz+zip": "usdz",
};

/** Files that carry no extension, below `.well-known` or at their usual name. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  "apple-app-site-association": "application/json",
  "openid-configuration": "application/json",
  "oauth-authorization-server": "application/json",
  webfinger: "application/jrd+json",
  nodeinfo: "application/json",
  "host-meta": "application/xrd+xml",
};

const COMPRESSIBLE = new Set([
  "application/json",
  "application/xml",
  "application/javascript",
  "application/x-ndjson",
  "application/toml",
  "application/sql",
  "application/x-sh",
  "application/rtf",
  "application/postscript",
  "application/wasm",
  "application/vnd.apple.mpegurl",
  "application/vnd.ms-fontobject",
  "application/vnd.sqlite3",
  "application/x-tar",
  "application/x-pem-file",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "audio/wav",
  "audio/midi",
  "model/obj",
  "model/stl",
  "model/gltf-binary",
]);

const BY_EXTENSION = new Map(
  Object.entries(EXTENSIONS).flatMap(([type, extensions]) =>
    extensions.split(" ").map((extension) => [extension, withCharset(type)] as const),
  ),
);

/**
 * The Content-Type of a file by its name, with a charset for texts. Without an extension it is `application/octet-stream`,
 * below `.well-known` text or, where the name is a registered one, its type.
 */
export function contentTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  if (dot !== -1) return BY_EXTENSION.get(name.slice(dot + 1).toLowerCase()) ?? OCTETS;
  const known = Object.hasOwn(WELL_KNOWN, name) ? WELL_KNOWN[name] : undefined;
  if (/(?:^|\/)\.well-known\//.test(path)) return known ?? withCharset("text/plain");
  return name === "apple-app-site-association" ? (known ?? OCTETS) : OCTETS;
}

/** Whether bytes of this Content-Type get smaller by compression. Parameters of the type are not looked at. */
export function isCompressible(type: string): boolean {
  const [essence = ""] = type.split(";", 1);
  const name = essence.trim().toLowerCase();
  return (
    name.startsWith("text/") ||
    /\+(?:json|xml|text)$/.test(name) ||
    (name.startsWith("font/") && !name.startsWith("font/woff")) ||
    COMPRESSIBLE.has(name)
  );
}

function withCharset(type: string): string {
  return type.startsWith("text/") ||
    type === "application/xhtml+xml" ||
    type === "application/x-sh" ||
    type === "application/sql"
    ? `${type}; charset=utf-8`
    : type;
}
