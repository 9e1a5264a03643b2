/** A password of 1024 bytes and a path of 2000, every byte percent-encoded. */
const MAX_BYTES = 16_384;

/**
 * What the password form sent; nothing where it is no such form, too large, broken off, or sent by a page of another origin,
 * which could only use up the visitor's attempts.
 */
export async function readGateForm(
  request: Request,
): Promise<{ password?: string | undefined; to?: string | undefined }> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type) || isForeign(request)) return {};
  const text = await readText(request);
  if (text === undefined) return {};
  const form = new URLSearchParams(text);
  return { password: form.get("password") ?? undefined, to: form.get("to") ?? undefined };
}

/** Browsers tell the origin of every POST; programs do not. */
function isForeign({ headers }: Request): boolean {
  const origin = headers.get("origin");
  return origin !== null && URL.parse(origin)?.host !== headers.get("host")?.toLowerCase();
}

async function readText({ body }: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}
