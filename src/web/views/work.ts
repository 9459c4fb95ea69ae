import { openTurns, type OpenTurn } from "../../turns/turn-activity.ts";
import { badge, empty, heading, number, since, table, type Tone } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** The most open questions that are shown. */
const MOST_SHOWN = 200;

/** The questions that are not answered yet, without their words. */
export const work = defineView(
  EVERY.moment,
  ({ database }) => openTurns(database, MOST_SHOWN),
  ({ all, turns }, visit) => {
    const { title, lead, none, heads } = visit.words.views.work;
    const rows = turns.map((turn) => row(turn, visit));
    return html`${heading(visit, title, lead(all, turns.length))}
    ${rows.length === 0 ? empty(none) : table(title, Object.values(heads), rows)}`;
  },
);

const TONES: Readonly<Record<OpenTurn["state"], Tone>> = {
  queued: "",
  running: "good",
  waiting: "wait",
  sending: "good",
};

function row(turn: OpenTurn, visit: Visit): Html {
  const { states, stepOf, attempts } = visit.words.views.work;
  return html`<tr>
    <td>${since(visit, turn.askedAt)}</td>
    <td class="mono">${turn.ghost}</td>
    <td>${turn.roomName ?? ""} <small class="mono">${turn.roomId}</small></td>
    <td class="mono">${turn.asker}</td>
    <td>${badge(states[turn.state], TONES[turn.state])}</td>
    <td>
      ${turn.lastStep === undefined ? "" : stepOf(turn.steps, turn.lastStep.askedOf, turn.lastStep.state)}
      ${turn.attempts > 1 && html`<small>${attempts(number(visit, turn.attempts))}</small>`}
    </td>
  </tr>`;
}
