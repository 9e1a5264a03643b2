/**
 * Whether an Accept header wants a page rather than JSON: a browser does, curl and programs do not.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
export function prefersHtml(accept: string | null): boolean {
  if (accept === null) return false;
  let html = 0;
  let json = 0;
  for (const part of accept.split(",", 32)) {
    const [type = "", ...params] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const quality = params.find((param) => param.startsWith("q="))?.slice(2) ?? "1";
    const weight = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(quality) ? Number(quality) : 0;
    if (type === "text/html" || type === "application/xhtml+xml") html = Math.max(html, weight);
    if (/^application\/(?:[a-z0-9.-]+\+)?json$/.test(type)) json = Math.max(json, weight);
  }
  return html > json;
}
