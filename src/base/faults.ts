/**
 * A point at which a test lets the process die as by `kill -9`. `LAND_FAULT=<point>:<n>` names it and how often it is passed
 * before. In a build for users the condition is false when it is built, and nothing of this is in it.
 */
export function fault(point: string): void {
  if (typeof LAND_FAULTS !== "undefined" && LAND_FAULTS) dieAt(point);
}

let passed = 0;

function dieAt(point: string): void {
  const [wanted, times = "0"] = (process.env["LAND_FAULT"] ?? "").split(":");
  if (wanted === point && passed++ >= Number(times)) process.kill(process.pid, "SIGKILL");
}
