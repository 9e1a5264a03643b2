import { natives } from "./natives.ts";
import { loadProgram } from "./program/load.ts";
import type { Guest } from "./program/program.ts";

/** Nobody's program: it does what the first answer of nearly all of them takes. */
const CODE = "export default { fetch: (request) => new Response(new URL(request.url).pathname) };";
const HEAD = {
  requestId: "",
  method: "GET",
  url: "http://localhost/",
  headers: [["accept", "*/*"]],
  address: "",
} as const;

/**
 * Loads a program that does nothing and has it answer once, so that another starts faster: what has run is compiled, and its memory is
 * there. For a process that waits. It stops where `isOver` says that the program has come for which it waited. Never rejects.
 */
export async function warm(guest: Guest, isOver: () => boolean): Promise<void> {
  try {
    const program = await loadProgram(CODE, { name: "", language: "js" }, guest);
    if (isOver()) return;
    const { signal } = new natives.AbortController();
    await program.answer(HEAD, null, signal, { requestId: "", subrequests: 0 });
  } catch {
    // The program that comes will tell of what is wrong here.
  }
}
