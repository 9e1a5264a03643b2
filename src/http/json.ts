import { fail } from "#base/errors.ts";
import { printable } from "#base/names.ts";
import { runInSlices } from "#base/slices.ts";
import { sliceJson } from "#pack/json.ts";

/**
 * The `parse` of a route that takes JSON: the body as plain data in whose prototypes no key is, at most 64 levels deep. Elysia's own
 * parser takes any depth and then words its refusal by recursion: one deep body of 1 MB would hold the server for seconds.
 *
 * @throws bad_request
 */
export async function parseJsonBody({ request }: { request: Request }): Promise<unknown> {
  const text = await request.text().catch((cause: unknown) => {
    throw fail("bad_request", { problem: "its body ends too early" }, { cause });
  });
  const read = await runInSlices(sliceJson(text));
  if (!("problem" in read)) return read.value;
  const { field, problem } = read;
  const where = field === "" ? "its body" : `the key "${printable(field)}" of its body`;
  throw fail("bad_request", { problem: `${where} ${problem}` });
}
