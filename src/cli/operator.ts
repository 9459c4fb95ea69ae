import { userInfo } from "node:os";
import type { Actor } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import type { Database } from "../database/database.ts";

/** Who gives the command: the user of this machine, the one behind `sudo` too. */
export function operator(): Actor {
  const sudoer = process.env["SUDO_USER"];
  return `local:${sudoer === undefined ? userName() : `${sudoer} (${userName()})`}`;
}

/** Containers run under numbers that no name belongs to. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Notes in the audit log that the operator is given an agent's keys. Throws DatabaseError. */
export function noteExport(database: Database, ghost: string, what: "room_keys" | "recovery_key"): Promise<void> {
  return new AuditLog(database).record(database, { kind: "keys.exported", by: operator(), ghost, what });
}

/** Notes in the audit log that the operator gives a command. Throws DatabaseError. */
export function noteCommand(database: Database, command: string, subject?: string): Promise<void> {
  return new AuditLog(database).record(database, { kind: "admin.command", by: operator(), command, subject });
}
