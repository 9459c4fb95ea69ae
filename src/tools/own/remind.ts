import type { ToolServerConfig } from "../../config/config.ts";
import { isTimeZone } from "../../config/formats.ts";
import { isEventId } from "../../matrix/event-id.ts";
import { MOST_REMINDERS, type Reminders } from "../../reminders/reminders.ts";
import { nextAfter, type Recurrence } from "../../time/recurrence.ts";
import { fieldsOf, readTime, wallOf } from "../../time/zoned-time.ts";
import { decideCall, type ToolUse } from "../tool-policy.ts";
import { notDone, said, type OwnTool } from "./own-tool.ts";

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** The longest words of a reminder, in characters. */
const LONGEST_WORDS = 2_000;

/** A person can't mean a time later than this, in ms. */
const FURTHEST_MS = 5 * 366 * 86_400_000;

/**
 * Has the agent do something at a time, once or again and again.
 *
 * @param zone the zone where none is named.
 */
export function remindTool(reminders: Pick<Reminders, "add">, zone: string, now: () => number = Date.now): OwnTool {
  return {
    definition: {
      name: "remind",
      description:
        "Reminds somebody of something in this room at a time, or has you do something then, once or again and again. Give `at` for one time; `time` alone for every day, with `days` for days of the week, or with `month_day` for a day of each month. Ask the person where the time is not clear.",
      inputSchema: {
        type: "object",
        properties: {
          words: {
            type: "string",
            description:
              "What you are to do then, as an instruction to yourself, such as: Remind Ann to call her mother.",
          },
          at: { type: "string", description: "The date and time, such as 2026-12-24T08:00." },
          time: { type: "string", description: "The time of day, such as 09:00, of a reminder that comes again." },
          days: { type: "array", items: { type: "string", enum: WEEKDAYS } },
          month_day: { type: "integer", minimum: 1, maximum: 31 },
          zone: {
            type: "string",
            description: `The time zone, such as Europe/Berlin, where the person names one. Left out, ${zone}.`,
          },
        },
        required: ["words"],
        additionalProperties: false,
      },
      // Made twice for the same call, it is one reminder.
      annotations: { readOnlyHint: false, idempotentHint: true, openWorldHint: false },
    },
    run: async ({ given, turn, encrypted, callId }) => {
      if (!isEventId(turn.eventId)) return notDone("a reminder can't set others.");
      const { words } = given;
      if (typeof words !== "string" || words.trim() === "") return notDone('"words" must say what to do.');
      if (words.length > LONGEST_WORDS) return notDone(`"words" may have ${LONGEST_WORDS} characters.`);
      const { zone: named = zone } = given;
      if (typeof named !== "string" || !isTimeZone(named))
        return notDone("there is no such time zone. Name one such as Europe/Berlin.");
      const recurrence = recurrenceIn(given, named);
      if (typeof recurrence === "string") return notDone(recurrence);
      const next = nextAfter(recurrence, named, now());
      if (next === undefined) return notDone(`that time is over. It is ${writtenIn(now(), named)} now.`);
      if (next > now() + FURTHEST_MS) return notDone("that is too far away: at most five years.");
      const { ghost, roomId, threadRoot, asker: owner } = turn;
      const madeBy = `${turn.id} ${callId}`;
      const authentic = turn.isAuthentic === true ? { isAuthentic: true as const } : {};
      const task = { words, recurrence, zone: named, ...authentic };
      const wanted = { ghost, roomId, threadRoot, owner, encrypted, madeBy, ...task };
      const reminder = await reminders.add(wanted, now());
      if (reminder === undefined) return notDone(`one person can have ${MOST_REMINDERS} reminders in a room.`);
      const { id } = reminder;
      return said(
        `Reminder ${id} is set: next on ${writtenIn(next, named)}. \`!reminders\` lists all, \`!reminders cancel ${id}\` ends it.`,
      );
    },
  };
}

/** Whether the admin still lets an agent remind somebody in a room. */
export function mayRemind(
  configured: Iterable<ToolServerConfig>,
  who: Pick<ToolUse, "agent" | "roomId" | "userId">,
): boolean {
  const hints = { isReadOnly: false, isIdempotent: true, isOpenWorld: false, isConfined: false };
  const use = { tool: "remind", hints, ...who, isFromAgent: false, isTainted: false, gate: "yes" } as const;
  return [...configured].some(
    (rules) =>
      rules.type === "own" &&
      rules.tools.has("remind") &&
      decideCall(rules, { ...use, model: "local", grant: undefined }).may !== "refuse",
  );
}

/** When it is to come, or the fault. */
function recurrenceIn(given: Readonly<Record<string, unknown>>, zone: string): Recurrence | string {
  const { at, time, days, month_day: day } = given;
  if ((at === undefined) === (time === undefined)) return 'either "at" or "time" must be given.';
  if (at !== undefined) {
    const read = typeof at === "string" ? readTime(at) : undefined;
    if (read === undefined || (read.kind === "wall" && read.isDate))
      return '"at" must be a date with a time, such as 2026-12-24T08:00.';
    if (days !== undefined || day !== undefined) return '"days" and "month_day" go with "time".';
    return { kind: "once", wall: read.kind === "wall" ? read.wall : wallOf(read.instant, zone) };
  }
  const [, hour, minutes] =
    (typeof time === "string" ? /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time.slice(0, 10)) : null) ?? [];
  if (hour === undefined || minutes === undefined) return '"time" must be a time of day such as 09:00.';
  const minute = Number(hour) * 60 + Number(minutes);
  if (day !== undefined) {
    if (days !== undefined) return 'only one of "days" and "month_day" can be given.';
    if (typeof day !== "number" || !Number.isInteger(day) || day < 1 || day > 31) return '"month_day" is from 1 to 31.';
    return { kind: "monthly", day, minute };
  }
  const numbers = days === undefined ? [1, 2, 3, 4, 5, 6, 7] : weekdaysIn(days);
  return numbers === undefined
    ? `"days" must be names of days: ${WEEKDAYS.join(", ")}.`
    : { kind: "weekly", days: numbers, minute };
}

function weekdaysIn(days: unknown): number[] | undefined {
  if (!Array.isArray(days) || days.length === 0 || days.length > 7) return undefined;
  const numbers = days.map((day) =>
    typeof day === "string" ? WEEKDAYS.indexOf(day.slice(0, 20).toLowerCase()) + 1 : 0,
  );
  return numbers.includes(0) ? undefined : [...new Set(numbers)].toSorted((a, b) => a - b);
}

/** An instant, as the clocks of a zone show it. */
function writtenIn(instant: number, zone: string): string {
  const { year, month, day, hour, minute } = fieldsOf(wallOf(instant, zone));
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)} (${zone})`;
}
