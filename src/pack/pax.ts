/** What a PAX extended header says that we heed. */
export type Pax = { path?: Uint8Array; sizeBytes?: number };

/** Keys that change where bytes go or what an entry is, and that readers understand differently. */
const REFUSED =
  /^(?:linkpath|hdrcharset|GNU\.sparse\..*|SCHILY\.realsize|SCHILY\.filetype|RHT\..*)$/;

/**
 * Reads the records of an extended header (type `x`), or tells why they are refused. Times, owners and attributes are
 * passed over.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html "pax Extended Header"
 */
export function parsePax(body: Uint8Array): Pax | { problem: string } {
  const seen = new Set<string>();
  const pax: Pax = {};
  for (const record of records(body)) {
    if (record === undefined) return { problem: "has a malformed extended header" };
    const { key, value } = record;
    if (seen.has(key)) return { problem: `has "${key}" twice in its extended header` };
    seen.add(key);
    if (REFUSED.test(key)) return { problem: `has "${key}" in its extended header` };
    if (key === "path") {
      if (value.length === 0) return { problem: "has an empty path in its extended header" };
      pax.path = value;
    }
    if (key === "size") {
      const text = Buffer.from(value).toString("latin1");
      if (!/^\d{1,15}$/.test(text))
        return { problem: "has a malformed size in its extended header" };
      pax.sizeBytes = Number(text);
    }
  }
  return pax;
}

/**
 * Whether a global header (type `g`) says nothing that matters: `git archive` puts the commit there as a comment.
 * Any other key would change all entries that follow, for some readers only.
 */
export function isHarmlessGlobal(body: Uint8Array): boolean {
  for (const record of records(body)) if (record?.key !== "comment") return false;
  return true;
}

/** `"<length> <key>=<value>\n"`, the length counting the whole record; undefined at the first malformed one. */
function* records(body: Uint8Array): Generator<{ key: string; value: Uint8Array } | undefined> {
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const digits = Buffer.from(body.subarray(at, Math.max(at, space))).toString("latin1");
    const end = at + Number(digits);
    const equals = body.indexOf(61, space);
    const sound =
      /^[1-9]\d{0,6}$/.test(digits) && end <= body.length && body[end - 1] === 10 && equals < end;
    const key = Buffer.from(body.subarray(space + 1, Math.max(space + 1, equals))).toString(
      "latin1",
    );
    if (!sound || equals === -1 || !/^[!-<>-~]{1,256}$/.test(key)) {
      yield undefined;
      return;
    }
    yield { key, value: body.subarray(equals + 1, end - 1) };
    at = end;
  }
}
