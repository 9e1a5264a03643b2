/** The answer of a registry to a question for many indexes, made of its answers for each. */
export async function answerIndexes(
  registry: string,
  request: Request,
  cacheControl: string,
): Promise<Response> {
  const { packages } = (await request.json()) as { packages: Record<string, { etag?: string }> };
  const parts = Object.entries(packages).map(async ([name, { etag }]) => {
    const alone = await fetch(`${registry}/api/v1/index/${encodeURIComponent(name)}`);
    const text = await alone.text();
    const head = (about: object): string => `${JSON.stringify({ package: name, ...about })}\n`;
    if (!alone.ok) return head({ absent: true });
    const current = alone.headers.get("etag");
    return current === etag ? head({ unchanged: true }) : `${head({ etag: current })}${text}`;
  });
  return new Response((await Promise.all(parts)).join(""), {
    headers: { "content-type": "application/x-ndjson", "cache-control": cacheControl },
  });
}
