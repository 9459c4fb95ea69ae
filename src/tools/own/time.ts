import { isTimeZone } from "../../config/formats.ts";
import { isObject } from "../../matrix/json.ts";
import type { ToolResult } from "../tool-result.ts";
import { notDone, said, type OwnTool } from "./own-tool.ts";
import {
  DAY_MS,
  fieldsOf,
  instantOf,
  offsetOf,
  plusMonths,
  readTime,
  wallOf,
  weekdayOf,
} from "../../time/zoned-time.ts";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** The units that are added on the calendar, and those of the clock, in ms. */
const MONTHS = { years: 12, months: 1 } as const;
const DAYS = { weeks: 7, days: 1 } as const;
const CLOCK = { hours: 3_600_000, minutes: 60_000 } as const;

/** The largest number of a unit that is added. */
const MOST = 100_000;

/** The years in which dates are added up: those that can be written. */
const FIRST_YEAR = 1_000;
const LAST_YEAR = 2_999;

const WRITTEN = "such as 2026-12-24 or 2026-12-24T18:30";

/**
 * Tells the time in a zone, the weekday, and the times before and after it.
 *
 * @param zone the zone where none is named.
 */
export function timeTool(zone: string, now: () => number = Date.now): OwnTool {
  const number = { type: "integer", minimum: -MOST, maximum: MOST };
  return {
    definition: {
      name: "time",
      description: `Tells the present date, time and weekday, those of another time, and the time between two. The zone of people who name none is ${zone}.`,
      inputSchema: {
        type: "object",
        properties: {
          zone: { type: "string", description: `A time zone such as Europe/Berlin. Left out, ${zone}.` },
          at: { type: "string", description: `The date or time that is asked about, ${WRITTEN}. Left out, now.` },
          add: {
            type: "object",
            description: "What is added to it; negative numbers go back.",
            properties: { years: number, months: number, weeks: number, days: number, hours: number, minutes: number },
            additionalProperties: false,
          },
          until: { type: "string", description: `Another date or time, ${WRITTEN}: the time until then is told.` },
        },
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    run: ({ given }) => Promise.resolve(told(given, zone, now())),
  };
}

function told(given: Readonly<Record<string, unknown>>, usual: string, now: number): ToolResult {
  const { zone = usual, at, add, until } = given;
  if (typeof zone !== "string" || !isTimeZone(zone))
    return notDone("there is no such time zone. Name one such as Europe/Berlin.");
  const begin = at === undefined ? now : instantFrom(at, zone);
  if (begin === undefined) return notDone(`"at" must be a date or time ${WRITTEN}.`);
  const instant = add === undefined ? begin : plus(begin, zone, add);
  if (instant === undefined)
    return notDone(`"add" must hold whole numbers of years, months, weeks, days, hours or minutes.`);
  const lines = [describe(instant, zone)];
  if (until !== undefined) {
    const end = instantFrom(until, zone);
    if (end === undefined) return notDone(`"until" must be a date or time ${WRITTEN}.`);
    lines.push(`Until ${describe(end, zone)} ${between(instant, end, zone)}`);
  }
  return said(lines.join("\n"));
}

function instantFrom(text: unknown, zone: string): number | undefined {
  const read = typeof text === "string" ? readTime(text) : undefined;
  if (read === undefined) return undefined;
  return read.kind === "instant" ? read.instant : instantOf(read.wall, zone);
}

/** Days and longer are added on the calendar, so that the time of day stays; hours and minutes on the clock. */
function plus(instant: number, zone: string, add: unknown): number | undefined {
  if (!isObject(add)) return undefined;
  let [months, days, ms] = [0, 0, 0];
  for (const [unit, count] of Object.entries(add)) {
    if (typeof count !== "number" || !Number.isInteger(count) || Math.abs(count) > MOST) return undefined;
    if (unit in MONTHS) months += count * MONTHS[unit as keyof typeof MONTHS];
    else if (unit in DAYS) days += count * DAYS[unit as keyof typeof DAYS];
    else if (unit in CLOCK) ms += count * CLOCK[unit as keyof typeof CLOCK];
    else return undefined;
  }
  // Nothing that is no day keeps the second of two equal times.
  if (months === 0 && days === 0) return instant + ms;
  const wall = wallOf(instant, zone);
  const years = fieldsOf(wall).year + (months + days / 30) / 12;
  if (years < FIRST_YEAR + 1 || years > LAST_YEAR - 1) return undefined;
  return instantOf(plusMonths(wall, months) + days * DAY_MS, zone) + ms;
}

function describe(instant: number, zone: string): string {
  const wall = wallOf(instant, zone);
  const { year, month, day, hour, minute } = fieldsOf(wall);
  const two = (part: number): string => String(part).padStart(2, "0");
  const minutes = Math.round(Math.abs(offsetOf(instant, zone)) / 60_000);
  const offset = `UTC${offsetOf(instant, zone) < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  const week = weekOf(wall);
  return `${WEEKDAYS[weekdayOf(wall) - 1] ?? ""}, ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)} in ${zone} (${offset}), week ${week}.`;
}

/** ISO 8601: the week belongs to the year that has its Thursday. */
function weekOf(wall: number): number {
  const thursday = wall + (4 - weekdayOf(wall)) * DAY_MS;
  const { year } = fieldsOf(thursday);
  return 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / DAY_MS / 7);
}

/** The time that passes, and the days on the calendar, which differ where the clocks change. */
function between(begin: number, end: number, zone: string): string {
  const minutes = Math.floor(Math.abs(end - begin) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1_440), Math.floor((minutes % 1_440) / 60)];
  const calendar = Math.floor(wallOf(end, zone) / DAY_MS) - Math.floor(wallOf(begin, zone) / DAY_MS);
  const ago = end < begin ? " have passed since" : "";
  return `there are ${days} days, ${hours} hours and ${minutes % 60} minutes${ago}; by the calendar ${calendar} days.`;
}
