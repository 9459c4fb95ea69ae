/**
 * The time on the clocks of a zone, as the milliseconds that a clock in UTC would count: so a day later is always
 * {@link DAY_MS} later, whatever the clocks do in between.
 */
export type WallMs = number;

/** The length of a day on a clock, in ms. */
export const DAY_MS = 86_400_000;

/** A date on a clock, and the time of day. */
export interface WallTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** The formats that tell the clocks of zones. Making one takes longer than all that is done with it. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** The most of them that are kept: there are some six hundred zones. */
const MOST_FORMATS = 1_000;

/**
 * The clocks of a zone at an instant (ms since 1970), to the second.
 *
 * @param zone a time zone (IANA) that config/formats.ts knows as one.
 */
export function wallOf(instant: number, zone: string): WallMs {
  const parts = new Map<string, number>();
  for (const { type, value } of formatOf(zone).formatToParts(instant)) parts.set(type, Number(value));
  const { year, month, day, hour, minute, second } = Object.fromEntries(parts) as unknown as WallTime;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/**
 * The instant (ms since 1970) at which the clocks of a zone show a time. A time that they show twice is the first one; one
 * that they leave out comes as much later as they were put forward (as in Temporal, "compatible").
 */
export function instantOf(wall: WallMs, zone: string): number {
  // No zone changes its clocks twice in two days.
  const before = wall - offsetOf(wall - DAY_MS, zone);
  if (wallOf(before, zone) === wall) return before;
  const after = wall - offsetOf(wall + DAY_MS, zone);
  return wallOf(after, zone) === wall ? after : before;
}

/** How much the clocks of a zone are ahead of UTC at an instant, in ms. */
export function offsetOf(instant: number, zone: string): number {
  return wallOf(instant, zone) - Math.floor(instant / 1_000) * 1_000;
}

/** The fields of a time on a clock. */
export function fieldsOf(wall: WallMs): WallTime {
  const date = new Date(wall);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** The day of the week: 1 is Monday, 7 Sunday (ISO 8601). */
export function weekdayOf(wall: WallMs): number {
  return new Date(wall).getUTCDay() || 7;
}

/** A time some months later or earlier; the last day of the month where that month has no such day. */
export function plusMonths(wall: WallMs, months: number): WallMs {
  const { year, month, day } = fieldsOf(wall);
  const first = new Date(Date.UTC(year, month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const date = Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(day, last));
  return date + (((wall % DAY_MS) + DAY_MS) % DAY_MS);
}

/** A written date, with or without a time: as its clock shows it, or an instant where its offset from UTC is written. */
export type ReadTime =
  | { readonly kind: "wall"; readonly wall: WallMs; readonly isDate: boolean }
  | { readonly kind: "instant"; readonly instant: number };

/** Four digits of the year: earlier ones had other calendars. */
const WRITTEN = /^([12]\d{3})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** Reads a date or time in the form of ISO 8601, such as 2026-12-24 or 2026-12-24T18:30; undefined where it is none. */
export function readTime(text: string): ReadTime | undefined {
  const [, year, month, day, hour = "0", minute = "0", second = "0", offset] = WRITTEN.exec(text.slice(0, 40)) ?? [];
  if (year === undefined) return undefined;
  const wall = Date.UTC(+year, Number(month) - 1, Number(day), +hour, +minute, +second);
  const { month: gotMonth, day: gotDay } = fieldsOf(wall);
  // The 30th of February would be in March.
  const isReal = gotMonth === Number(month) && gotDay === Number(day) && +hour < 24 && +minute < 60 && +second < 60;
  if (!isReal) return undefined;
  if (offset === undefined) return { kind: "wall", wall, isDate: text.length <= 10 };
  if (offset === "Z") return { kind: "instant", instant: wall };
  const sign = offset.startsWith("-") ? -1 : 1;
  return {
    kind: "instant",
    instant: wall - sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60_000,
  };
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (FORMATS.size < MOST_FORMATS) FORMATS.set(zone, made);
  return made;
}
