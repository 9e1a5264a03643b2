const HOUR_MS = 3_600_000;
/** Hours of a day. Days and hours of traffic are whole numbers since 1970, in UTC. */
export const DAY_HOURS = 24;

/** The hour of a moment. */
export function hourOf(at: Date): number {
  return Math.floor(at.getTime() / HOUR_MS);
}

/** The day of an hour. */
export function dayOfHour(hour: number): number {
  return Math.floor(hour / DAY_HOURS);
}

/** `2026-03-01T12:00:00.000Z` */
export function hourText(hour: number): string {
  return new Date(hour * HOUR_MS).toISOString();
}

/** `2026-03-01` */
export function dayText(day: number): string {
  return hourText(day * DAY_HOURS).slice(0, 10);
}
