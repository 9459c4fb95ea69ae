import { userInfo } from "node:os";
import type { Actor } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import type { Database } from "../database/database.ts";

/** The user of this machine who gives the command, also behind `sudo`. */
export function operator(): Actor {
  const sudoer = process.env["SUDO_USER"];
  return `local:${sudoer === undefined ? userName() : `${sudoer} (${userName()})`}`;
}

/** Containers run under numbers without a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Records in the audit log that the operator gets an agent's keys. Throws DatabaseError. */
export function noteExport(database: Database, ghost: string, what: "room_keys" | "recovery_key"): Promise<void> {
  return new AuditLog(database).record(database, { kind: "keys.exported", by: operator(), ghost, what });
}

/** Records in the audit log that the operator gives a command. Throws DatabaseError. */
export function noteCommand(database: Database, command: string, subject?: string): Promise<void> {
  return new AuditLog(database).record(database, { kind: "admin.command", by: operator(), command, subject });
}
