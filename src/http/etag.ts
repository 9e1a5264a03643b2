/** What of a request says which copy the caller has already. */
export type Conditions = { headers: Headers };

/** Whether `If-None-Match` names `etag`, so that 304 is the answer. Compared weakly, as RFC 9110 section 13.1.2 tells. */
export function hasCurrentCopy(request: Conditions, etag: string): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  if (header.trim() === "*") return true;
  const wanted = opaqueOf(etag);
  for (const [tag] of header.matchAll(/(?:W\/)?"[^"]*"/g))
    if (opaqueOf(tag) === wanted) return true;
  return false;
}

/** Whether a range may be cut from the copy named by `If-Range`. Only a strong match counts; a date never does, as we send none. */
export function mayContinue(request: Conditions, etag: string): boolean {
  const header = request.headers.get("if-range");
  return header === null || (header === etag && !etag.startsWith("W/"));
}

/** 304 with the headers that RFC 9110 section 15.4.5 wants repeated. */
export function notModified(headers: Record<string, string>): Response {
  const kept = ["etag", "cache-control", "vary"].flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, value] as [string, string]];
  });
  return new Response(null, { status: 304, headers: kept });
}

function opaqueOf(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
