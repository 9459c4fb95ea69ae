import { parseDetails } from "../../src/audit/audit-entry.ts";
import { AuditLog } from "../../src/audit/audit-log.ts";
import type { Database } from "../../src/database/database.ts";

/** The entries of the audit log, as they were given. */
export async function audited(database: Database): Promise<Record<string, unknown>[]> {
  const rows = await Array.fromAsync(new AuditLog(database).since(undefined));
  return rows.map(({ kind, details }) => ({ kind, ...parseDetails(details) }));
}
