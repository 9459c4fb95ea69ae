import type { Row } from "../database/database.ts";

/**
 * The one who did something: a Matrix user, or, with `local:`, the user of this machine who gave a command on its
 * command line.
 */
export type Actor = `@${string}` | `local:${string}`;

/** The way in which somebody was refused. */
export type Refused =
  "invite" | "message" | "edit" | "reaction" | "command" | "verification" | "user_query" | "room" | "pull";

/**
 * The entries of the audit log. They hold ids, names of settings and counts; they never hold a message, the value of a
 * setting, or a key. Strings are cut at {@link LONGEST} characters.
 */
export type AuditEntry =
  /** An agent has joined a room. `by` has invited it, where that is known. */
  | { readonly kind: "agent.joined"; readonly ghost: string; readonly room: string; readonly by?: string | undefined }
  /** An agent has left a room or will not come: it left or declined, was removed, or banned. */
  | {
      readonly kind: "agent.left";
      readonly ghost: string;
      readonly room: string;
      readonly by?: string | undefined;
      readonly how: "left" | "removed" | "banned";
    }
  /**
   * Somebody was refused. The same refusal is noted once an hour, up to a total. `reason` is a code such as
   * `not_allowed`, no sentence.
   */
  | {
      readonly kind: "refused";
      readonly what: Refused;
      readonly by: string;
      readonly reason: string;
      readonly ghost?: string | undefined;
      readonly room?: string | undefined;
    }
  /** A setting of an agent in a room was changed, or, with `reset`, follows the configuration again. */
  | {
      readonly kind: "setting.changed";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly setting: string;
      readonly reset?: boolean;
    }
  /** The start or the end of a verification of an agent; `mismatch`: one of the two sides saw something else. */
  | {
      readonly kind:
        "verification.requested" | "verification.done" | "verification.cancelled" | "verification.mismatch";
      readonly ghost: string;
      readonly by: string;
    }
  /** A room's decision about sending its messages to the cloud. `target` is the provider and its host. */
  | {
      readonly kind: "consent.given" | "consent.declined";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly target: string;
    }
  /** All of a room's decisions for an agent were withdrawn. */
  | { readonly kind: "consent.withdrawn"; readonly ghost: string; readonly room: string; readonly by: string }
  /**
   * An unencrypted answer to an encrypted message was refused, because the homeserver says that the room is not
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
      /** The purpose: `chat`, `summary`, `picture`, `recording`, `tool`; for a tool, `model` is its name. */
      readonly what: string;
      readonly bytes: number;
    }
  /**
   * Somebody has agreed to a call of a tool, or refused it: `bytes` is the size of its arguments. Or somebody has answered a
   * question of its server, or refused to: `bytes` is the size of the answer.
   */
  | {
      readonly kind: "tool.approved" | "tool.declined" | "tool.answered" | "tool.unanswered";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly server: string;
      readonly tool: string;
      /** The hash of the tool's definition. */
      readonly definition: string;
      readonly bytes: number;
    }
  /** A tool has returned pictures or files, which are sent to the room. */
  | {
      readonly kind: "tool.files";
      readonly ghost: string;
      readonly room: string;
      readonly server: string;
      readonly tool: string;
      readonly files: number;
      readonly bytes: number;
    }
  /** A room's moderators let an agent use a tool without a question from now on, or not at all. */
  | {
      readonly kind: "tool.granted" | "tool.forbidden";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly server: string;
      readonly tool: string;
      readonly definition: string;
    }
  /** Such a decision was taken back. */
  | {
      readonly kind: "tool.revoked";
      readonly ghost: string;
      readonly room: string;
      readonly by: string;
      readonly server: string;
      readonly tool: string;
    }
  /** Somebody has signed in to a tool server, or her sign-in counts no more there. */
  | { readonly kind: "tool.signed_in"; readonly by: string; readonly server: string }
  | { readonly kind: "tool.sign_in_lost"; readonly user: string; readonly server: string }
  /** Somebody was signed out of a tool server: by her own wish, or by whoever runs the bridge. */
  | { readonly kind: "tool.signed_out"; readonly user: string; readonly by: string; readonly server: string }
  /** Somebody who runs the bridge has paused an agent, or has it go on. */
  | { readonly kind: "agent.paused" | "agent.resumed"; readonly ghost: string; readonly by: Actor }
  /** An admin gave a command: its name without arguments, and its object (an agent, a provider, a number of items). */
  | {
      readonly kind: "admin.command";
      readonly by: Actor;
      readonly command: string;
      readonly subject?: string | undefined;
    }
  /** A link to the page was made for somebody; somebody signed in by one, or out. */
  | { readonly kind: "web.link_made" | "web.signed_in"; readonly by: Actor; readonly role: "look" | "decide" }
  | { readonly kind: "web.signed_out"; readonly by: Actor }
  /** Room keys were written to a file, or the key to a ghost's secret storage was shown. */
  | {
      readonly kind: "keys.exported";
      readonly by: Actor;
      readonly ghost: string;
      readonly what: "room_keys" | "recovery_key";
    }
  /** A ghost has a new device, which may replace an older one. */
  | {
      readonly kind: "device.new";
      readonly ghost: string;
      readonly device: string;
      readonly replaces?: string | undefined;
    }
  /** A ghost has a new identity: everybody has to verify it again. */
  | { readonly kind: "identity.reset"; readonly ghost: string }
  /** The master key was changed. */
  | { readonly kind: "master_key.rotated"; readonly by: Actor }
  /**
   * The running bridge read its configuration again: at a signal, or because somebody asked for it. `changed` are the names of
   * the settings that differ.
   */
  | { readonly kind: "config.reloaded"; readonly changed: readonly string[]; readonly by?: Actor | undefined }
  /** The database was written to a backup file, or filled from one. */
  | { readonly kind: "backup.made" | "backup.restored"; readonly by: Actor; readonly newDevices?: boolean };

/** A row of the audit log. */
export interface AuditRow {
  /** 1 for the first row, then one more for each. */
  readonly seq: number;
  readonly at: Date;
  readonly kind: string;
  /** The rest of the entry, as JSON. */
  readonly details: string;
  /** The hash of the row before; empty in the first row. */
  readonly previous: string;
  readonly hash: string;
}

/** Ids of users and rooms have at most 255 bytes (spec "Common Identifier Format"). */
export const LONGEST = 255;

/** The most names of settings that an entry lists. */
const MOST_NAMES = 100;

/** The fields of an entry that are stored beside its kind. Undefined keys are left out. */
export function detailsOf(entry: AuditEntry): string {
  return JSON.stringify({ ...entry, kind: undefined }, (_key, value: unknown) => {
    if (typeof value === "string") return value.slice(0, LONGEST).toWellFormed();
    return Array.isArray(value) ? value.slice(0, MOST_NAMES) : value;
  });
}

/** An entry as it is read. Its kind may be known only to an earlier or later version. */
export function parseDetails(details: string): Row {
  return JSON.parse(details) as Row;
}
