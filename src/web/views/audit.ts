import { AuditLog, type Verdict } from "../../audit/audit-log.ts";
import { parseDetails, type AuditRow } from "../../audit/audit-entry.ts";
import { badge, empty, heading, number, since, table } from "../elements.ts";
import { html, type Html } from "../html.ts";
import type { Visit } from "../visit.ts";
import { defineView, EVERY } from "./view.ts";

const ROWS_A_PAGE = 100;

/** A longer search is cut off. */
const LONGEST_SEARCH = 255;

interface ShownAudit {
  readonly rows: readonly AuditRow[];
  readonly hasMore: boolean;
  readonly holding: string;
  /** Only where somebody asks for it: the whole log is read. */
  readonly verdict: Verdict | undefined;
}

/** The audit log, newest first, searched and verified. */
export const audit = defineView(
  EVERY.while,
  async ({ database }, { query }): Promise<ShownAudit> => {
    const log = new AuditLog(database);
    const holding = (query.get("holding") ?? "").slice(0, LONGEST_SEARCH).toWellFormed().replaceAll("\0", "");
    const from = query.get("before") ?? "";
    const before = /^\d{1,15}$/.test(from) ? Number(from) : undefined;
    const rows = await log.newest({ before, holding, limit: ROWS_A_PAGE + 1 });
    const verdict = query.has("verify") ? await log.verify() : undefined;
    return { rows: rows.slice(0, ROWS_A_PAGE), hasMore: rows.length > ROWS_A_PAGE, holding, verdict };
  },
  ({ rows, hasMore, holding, verdict }, visit) => {
    const { title, lead, none, heads, search, find, verify, older } = visit.words.views.audit;
    const here = `${visit.base}${visit.path}`;
    const last = rows.at(-1);
    const next = new URLSearchParams({ holding, before: String(last?.seq ?? 0) });
    return html`${heading(visit, title, lead)}
      <form class="search" action="${here}">
        <div>
          <label for="holding">${search}</label>
          <input id="holding" name="holding" type="search" value="${holding}" />
        </div>
        <button>${find}</button>
        <button name="verify" value="1">${verify}</button>
      </form>
      ${verdict !== undefined && told(verdict, visit)}
      ${
        rows.length === 0
          ? empty(none)
          : table(
              title,
              Object.values(heads),
              rows.map((row) => line(row, visit)),
            )
      }
      ${hasMore && html`<p class="pages"><a class="button" href="${here}?${next.toString()}">${older}</a></p>`}`;
  },
);

function told({ rows, head, broken }: Verdict, visit: Visit): Html {
  const { whole, changed } = visit.words.views.audit;
  return broken === undefined
    ? html`<p class="note" role="status">${whole(number(visit, rows))} <code>${head.seq}:${head.hash}</code></p>`
    : html`<p class="note bad" role="status">${changed(number(visit, broken.seq))}</p>`;
}

function line({ seq, at, kind, details }: AuditRow, visit: Visit): Html {
  const pairs = Object.entries(parseDetails(details));
  return html`<tr>
    <td class="number">${seq}</td>
    <td>${since(visit, at)}</td>
    <td>${badge(kind)}</td>
    <td>${pairs.map(([name, value]) => html`<small>${name}</small> <span class="mono">${shown(value)}</span> `)}</td>
  </tr>`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
