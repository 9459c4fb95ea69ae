import { HeldMail, type HeldItem, type MailboxSummary } from "../../mailbox/held-mail.ts";
import { badge, decision, empty, graveDecision, heading, number, since, table } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

/** The most events that are shown; decisions about all are about more. */
const MOST_SHOWN = 200;

interface ShownMail {
  readonly summary: MailboxSummary;
  readonly items: readonly HeldItem[];
}

/** The events that agents could not handle. */
export const mail = defineView(
  EVERY.moment,
  async ({ database }): Promise<ShownMail> => {
    const held = new HeldMail(database);
    const [summary, items] = await Promise.all([held.summary(), held.list({ limit: MOST_SHOWN })]);
    return { summary, items };
  },
  ({ summary, items }, visit) => {
    const { title, lead, none, heads, counts, retryAll, dropAll, dropAllConsequence, more } = visit.words.views.mail;
    const all = summary.awaitingKey + summary.setAside;
    const numbers = ([...Object.entries(counts)] as [keyof typeof counts, string][]).map(
      ([name, label]) =>
        html`<dt>${label}</dt>
          <dd>${number(visit, summary[name])}</dd>`,
    );
    return html`${heading(visit, title, lead)}
      <div class="card"><dl>${numbers}</dl></div>
      <h2>${title}</h2>
      ${
        items.length === 0
          ? empty(none)
          : table(
              title,
              [...Object.values(heads), ""],
              items.map((item) => row(item, visit)),
            )
      }
      ${all > items.length && html`<p class="soft">${more(number(visit, items.length), number(visit, all))}</p>`}
      ${
        summary.setAside > 0 &&
        html`<p class="actions pages">
          ${decision(visit, "mail-retry", { id: "all" }, retryAll)}
          ${graveDecision(visit, "mail-drop", { id: "all" }, dropAll, dropAllConsequence)}
        </p>`
      }`;
  },
);

function row(item: HeldItem, visit: Visit): Html {
  const { states, retry, drop, dropConsequence } = visit.words.views.mail;
  return html`<tr>
    <td>${since(visit, item.receivedAt)}</td>
    <td class="mono">${item.ghost}</td>
    <td class="mono">${item.roomId}</td>
    <td class="mono">${item.eventId}</td>
    <td>${badge(states[item.state], item.state === "set_aside" ? "bad" : "wait")} <small>${item.reason}</small></td>
    <td>
      ${decision(visit, "mail-retry", { id: item.id }, retry)}
      ${graveDecision(visit, "mail-drop", { id: item.id }, drop, dropConsequence)}
    </td>
  </tr>`;
}
