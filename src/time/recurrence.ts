import { DAY_MS, fieldsOf, instantOf, plusMonths, wallOf, weekdayOf, type WallMs } from "./zoned-time.ts";

/** A time that comes once, or again and again, on the clocks of a zone. */
export type Recurrence =
  | { readonly kind: "once"; readonly wall: WallMs }
  /** On days of the week, from 1 (Monday) to 7. */
  | { readonly kind: "weekly"; readonly days: readonly number[]; readonly minute: number }
  /** On a day of each month; on its last one where it has no such day. */
  | { readonly kind: "monthly"; readonly day: number; readonly minute: number };

const MINUTE_MS = 60_000;

/** The time of day of a recurrence, such as 09:00; of one time also its date. */
export function clockOf(recurrence: Recurrence): string {
  const minute = recurrence.kind === "once" ? Math.floor((recurrence.wall % DAY_MS) / MINUTE_MS) : recurrence.minute;
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** The date of one time, such as 2026-12-24. */
export function dateOf(wall: WallMs): string {
  const { year, month, day } = fieldsOf(wall);
  return `${year}-${two(month)}-${two(day)}`;
}

function two(part: number): string {
  return String(part).padStart(2, "0");
}

/**
 * The first instant after another one (ms since 1970) at which it comes; undefined where it comes no more. It comes once on
 * each of its days, also where the clocks show its time twice or not at all.
 */
export function nextAfter(recurrence: Recurrence, zone: string, instant: number): number | undefined {
  for (const wall of candidates(recurrence, wallOf(instant, zone))) {
    const next = instantOf(wall, zone);
    if (next > instant) return next;
  }
  return undefined;
}

/** The times that may be the next one, in order. */
function candidates(recurrence: Recurrence, from: WallMs): WallMs[] {
  const today = Math.floor(from / DAY_MS) * DAY_MS;
  switch (recurrence.kind) {
    case "once":
      return [recurrence.wall];
    case "weekly": {
      const { days, minute } = recurrence;
      // The same day of the next week, where it is over today.
      return Array.from({ length: 8 }, (_, at) => today + at * DAY_MS)
        .filter((day) => days.includes(weekdayOf(day)))
        .map((day) => day + minute * MINUTE_MS);
    }
    case "monthly": {
      const { day, minute } = recurrence;
      const first = today - (fieldsOf(today).day - 1) * DAY_MS;
      return [0, 1, 2].map((months) => {
        const month = plusMonths(first, months);
        const last = (plusMonths(month, 1) - month) / DAY_MS;
        return month + (Math.min(day, last) - 1) * DAY_MS + minute * MINUTE_MS;
      });
    }
  }
}
