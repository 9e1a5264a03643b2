/** Whether an error is only that the visitor left: nobody wants to read of it. */
export function isLeft(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}
