const ids = new WeakMap<Request, string>();

/** Gives a request the id that its answer, its log line and its problem document carry. */
export function setRequestId(request: Request, id: string): void {
  ids.set(request, id);
}

/** The id of a request, or undefined where the server gave it none. */
export function requestIdOf(request: Request): string | undefined {
  return ids.get(request);
}
