import type { Row } from "../database/database.ts";

/**
 * The one who did something: a Matrix user, or, with `local:`, the user of this machine who gave a command on its
 * command line.
 */
export type Actor = `@${string}` | `local:${string}`;

/** On which way in somebody was refused. */
export type Refused =
  "invite" | "message" | "edit" | "reaction" | "command" | "verification" | "user_query" | "room" | "pull";

/**
 * The entries of the audit log. They hold ids, names of settings and counts; they never hold a message, the value of a
 * setting, or a key. Strings are cut at {@link LONGEST} characters.
 */
export type AuditEntry =
  /** An agent has joined a room. `by` has invited it, where that is known. */
  | { readonly kind: "agent.joined"; readonly ghost: string; readonly room: string; readonly by?: string | undefined }
  /** An agent is not in a room any more, or will not come: it left or declined, was removed, or banned. */
  | {
      readonly kind: "agent.left";
      readonly ghost: string;
      readonly room: string;
      readonly by?: string | undefined;
      readonly how: "left" | "removed" | "banned";
    }
  /** Somebody was refused. The same refusal is noted once an hour, and no more than so many in all. `reason` is a code such as `not_allowed`, no sentence. */
  | {
      readonly kind: "refused";
      readonly what: Refused;
      readonly by: string;
      readonly reason: string;
      readonly ghost?: string | undefined;
      readonly room?: string | undefined;
    }
  /** A setting of an agent in a room was changed, or, with `reset`, is again what the configuration says. */
  | {
      readonly kind: "setting.changed";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly setting: string;
      readonly reset?: boolean;
    }
  /** Somebody wants to verify an agent, and how that ended; `mismatch`: one of the two saw something else. */
  | {
      readonly kind:
        "verification.requested" | "verification.done" | "verification.cancelled" | "verification.mismatch";
      readonly ghost: string;
      readonly by: string;
    }
  /** A room's decision about words that go to the cloud. `target` is the provider and its host. */
  | {
      readonly kind: "consent.given" | "consent.declined";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly target: string;
    }
  /** All that was decided for an agent in a room counts no more. */
  | { readonly kind: "consent.withdrawn"; readonly ghost: string; readonly room: string; readonly by: string }
  /**
   * Nothing was said in clear in answer to an encrypted message, because the homeserver says that the room is not
   * encrypted. Noted once an hour for an agent and room.
   */
  | { readonly kind: "clear_text.refused"; readonly ghost: string; readonly room: string }
  /** Something is about to be sent to a provider outside the admin's network. */
  | {
      readonly kind: "cloud.sent";
      readonly ghost: string;
      readonly room: string;
      readonly provider: string;
      readonly host: string;
      readonly model: string;
      /** The purpose: `chat`, `summary`, `picture`, `recording`. */
      readonly what: string;
      readonly bytes: number;
    }
  /**
   * An admin gave a command: its name without its arguments, and its object (an agent, a provider, a number of items).
   */
  | {
      readonly kind: "admin.command";
      readonly by: Actor;
      readonly command: string;
      readonly subject?: string | undefined;
    }
  /** Room keys were written to a file, or the key that opens what is kept on the homeserver was shown. */
  | {
      readonly kind: "keys.exported";
      readonly by: Actor;
      readonly ghost: string;
      readonly what: "room_keys" | "recovery_key";
    }
  /** A ghost has a new device, in place of another one where it had one. */
  | {
      readonly kind: "device.new";
      readonly ghost: string;
      readonly device: string;
      readonly replaces?: string | undefined;
    }
  /** A ghost has another identity: everybody has to verify it anew. */
  | { readonly kind: "identity.reset"; readonly ghost: string }
  /** Another master key is in use. */
  | { readonly kind: "master_key.rotated"; readonly by: Actor }
  /** The configuration was read again while the bridge ran. `changed` are the names of the settings that differ. */
  | { readonly kind: "config.reloaded"; readonly changed: readonly string[] }
  /** The database was written to a file, or filled from one. */
  | { readonly kind: "backup.made" | "backup.restored"; readonly by: Actor; readonly newDevices?: boolean };

/** A row of the audit log. */
export interface AuditRow {
  /** 1 for the first, then one more for each. */
  readonly seq: number;
  readonly at: Date;
  readonly kind: string;
  /** The rest of the entry, as JSON. */
  readonly details: string;
  /** The hash of the row before; empty with the first. */
  readonly previous: string;
  readonly hash: string;
}

/** Ids of users and rooms have at most 255 bytes (spec "Common Identifier Format"). */
export const LONGEST = 255;

/** How many names of settings an entry lists. */
const MOST_NAMES = 100;

/** The fields of an entry that are stored beside its kind. Keys that are undefined are left out. */
export function detailsOf(entry: AuditEntry): string {
  return JSON.stringify({ ...entry, kind: undefined }, (_key, value: unknown) => {
    if (typeof value === "string") return value.slice(0, LONGEST).toWellFormed();
    return Array.isArray(value) ? value.slice(0, MOST_NAMES) : value;
  });
}

/** An entry as it is read again. It may be of a kind that only an earlier or later version knows. */
export function parseDetails(details: string): Row {
  return JSON.parse(details) as Row;
}
