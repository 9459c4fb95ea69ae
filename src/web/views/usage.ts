import { usageBy, usageByDay, type UsageKind, type UsageOf } from "../../turns/turn-activity.ts";
import { empty, heading, number, table } from "../elements.ts";
import { html, type Html } from "../html.ts";
import { bar, daysBack, plotOfDays } from "../plot.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

const DAYS = 30;

/** The most users, rooms and agents that are named. */
const MOST_NAMED = 15;

const KINDS: readonly UsageKind[] = ["agent", "user", "room"];

/** The questions and tokens of the last days, by day, agent, user and room. */
export const usage = defineView(
  EVERY.while,
  async ({ database }) => ({
    days: await usageByDay(database, DAYS),
    by: await Promise.all(KINDS.map(async (kind) => ({ kind, most: await usageBy(database, kind, DAYS, MOST_NAMED) }))),
  }),
  ({ days, by }, visit) => {
    const { title, lead, none, kinds, perDay } = visit.words.views.usage;
    if (days.length === 0) return html`${heading(visit, title, lead(DAYS))} ${empty(none)}`;
    const countOf = new Map(days.map(({ key, questions }) => [key, questions]));
    const points = daysBack(new Date(), DAYS).map((day) => ({ day, value: countOf.get(day) ?? 0 }));
    return html`${heading(visit, title, lead(DAYS))}
      <h2>${perDay}</h2>
      ${plotOfDays(points, perDay, visit)}
      ${by.map(
        ({ kind, most }) =>
          html`<h2>${kinds[kind]}</h2>
            ${tableOf(kind, most, visit)}`,
      )}`;
  },
);

function tableOf(kind: UsageKind, most: readonly UsageOf[], visit: Visit): Html {
  const { kinds, heads } = visit.words.views.usage;
  const largest = Math.max(...most.map(({ questions }) => questions));
  return table(
    kinds[kind],
    [kinds[kind], heads.questions, heads.tokens],
    most.map(
      ({ key, questions, tokens }) =>
        html`<tr>
          <td class="mono">${key}</td>
          <td>${number(visit, questions)} ${bar(questions, largest)}</td>
          <td>${number(visit, tokens)}</td>
        </tr>`,
    ),
  );
}
