import { AuditLog } from "../../audit/audit-log.ts";
import { serverFacts, type ServerFacts } from "../../database/server-facts.ts";
import { countLiveProcesses } from "../../leases/live-processes.ts";
import { packageVersion } from "../../observability/version.ts";
import { heading, number, since, size, table } from "../elements.ts";
import { html, type Child } from "../html.ts";
import { defineView, EVERY } from "./view.ts";

/** The number of tables that are named. */
const LARGEST = 12;

interface ShownSystem {
  readonly version: string;
  readonly kind: "postgres" | "embedded" | "served";
  readonly facts: ServerFacts;
  readonly processes: number;
  readonly backupAt: Date | undefined;
  readonly retentionMs: number | undefined;
}

/** The versions, sizes and ages of the installation's parts. */
export const system = defineView(
  EVERY.while,
  async ({ database, settings }): Promise<ShownSystem> => {
    const log = new AuditLog(database);
    const [version, facts, processes, [backup]] = await Promise.all([
      packageVersion(),
      serverFacts(database, LARGEST),
      countLiveProcesses(database),
      log.newest({ before: undefined, holding: "backup.made", limit: 1 }),
    ]);
    const { retentionMs } = settings().memory;
    return { version, kind: database.kind, facts, processes, backupAt: backup?.at, retentionMs };
  },
  ({ version, kind, facts, processes, backupAt, retentionMs }, visit) => {
    const { title, lead, labels, databases, never, byRooms, days, tables, heads } = visit.words.views.system;
    const server = `${databases[kind]} ${Math.floor(facts.versionNumber / 10_000)}`;
    const lines: readonly (readonly [string, Child])[] = [
      [labels.version, version],
      [labels.node, process.version],
      [labels.database, `${server}, ${size(visit, facts.bytes)}`],
      [labels.processes, number(visit, processes)],
      [labels.backup, backupAt === undefined ? never : since(visit, backupAt)],
      [labels.retention, retentionMs === undefined ? byRooms : days(Math.round(retentionMs / 86_400_000))],
      [labels.memory, size(visit, process.memoryUsage().rss)],
      [labels.uptime, since(visit, new Date(Date.now() - process.uptime() * 1_000))],
    ];
    const rows = facts.tables.map(
      ({ name, bytes }) =>
        html`<tr>
          <td class="mono">${name}</td>
          <td>${size(visit, bytes)}</td>
        </tr>`,
    );
    return html`${heading(visit, title, lead)}
      <div class="card">
        <dl>
          ${lines.map(
            ([label, value]) =>
              html`<dt>${label}</dt>
                <dd>${value}</dd>`,
          )}
        </dl>
      </div>
      <h2>${tables}</h2>
      ${table(tables, Object.values(heads), rows)}`;
  },
);
