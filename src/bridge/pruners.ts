import type { CommandMenus } from "../commands/command-menus.ts";
import { pruneDropped } from "../memory/dropped-summaries.ts";
import { pruneFeedback } from "../memory/feedback.ts";
import type { ReadFiles } from "../memory/read-files.ts";
import type { Database } from "../database/database.ts";
import { pruneKnownMembers } from "../ghost/known-members.ts";
import { pruneVerifications } from "../ghost/device/ghost-verifications.ts";
import { pruneKeyNotices } from "../ghost/missing-keys.ts";
import type { Outbox } from "../ghost/outbox.ts";
import { pruneReplays } from "../ghost/replays.ts";
import { pruneToDeviceAttempts } from "../ghost/device/to-device-attempts.ts";
import { pruneTrustNotices } from "../ghost/trust-notices.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import { pruneMemberships } from "../mailbox/memberships.ts";
import { KEPT_FOR_DAYS, type Prune } from "../mailbox/pruning.ts";
import type { Reminders } from "../reminders/reminders.ts";
import type { InviteQuota } from "../permissions/invite-quota.ts";
import { prunePauses } from "../agents/pauses.ts";
import { pruneConsents } from "../privacy/consents.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import { pruneRooms } from "../rooms/pruning.ts";
import { pruneSettings } from "../rooms/settings-store.ts";
import type { Seals } from "../sealing/seals.ts";
import { pruneToolGrants } from "../tools/tool-grants.ts";
import { pruneAllowances } from "../turns/allowances.ts";
import type { Exchanges } from "../turns/exchanges.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { ToolSignInParts } from "./tool-sign-ins.ts";
import { SignIns } from "../web/sign-in/sign-ins.ts";

/** The owners of tables whose rows expire. */
export interface Owners {
  readonly mailbox: Mailbox;
  readonly outbox: Outbox;
  readonly turns: TurnStore;
  readonly exchanges: Exchanges;
  readonly readFiles: ReadFiles;
  readonly requests: ProviderRequests;
  readonly invites: InviteQuota;
  readonly menus: CommandMenus;
  readonly reminders: Reminders;
  readonly toolSignIns: ToolSignInParts;
  readonly seals: Seals;
  /** Forgets expired messages. */
  readonly retention: { run(): Promise<number> };
  readonly forgetKeysAfterMs: number | undefined;
}

/** The deletions of every table; docs/architecture.md has a row for each, with the reason for rows that stay. */
export function pruners(database: Database, owners: Owners): Prune[] {
  const { mailbox, outbox, turns, exchanges, readFiles, requests, invites, menus, reminders, seals, retention } =
    owners;
  const days = KEPT_FOR_DAYS;
  return [
    (signal) => mailbox.prune(days, signal),
    (signal) => pruneKeyNotices(database, days, signal),
    (signal) => pruneTrustNotices(database, days, signal),
    (signal) => pruneVerifications(database, days, signal),
    (signal) => pruneToDeviceAttempts(database, days, signal),
    (signal) => pruneReplays(database, days, owners.forgetKeysAfterMs, signal),
    (signal) => outbox.prune(days, signal),
    (signal) => exchanges.prune(days, signal),
    (signal) => turns.prune(days, signal),
    (signal) => readFiles.prune(days, signal),
    (signal) => requests.prune(days, signal),
    (signal) => invites.prune(days, signal),
    (signal) => pruneAllowances(database, signal),
    () => retention.run(),
    (signal) => pruneFeedback(database, signal),
    (signal) => pruneDropped(database, days, signal),
    (signal) => pruneMemberships(database, days, signal),
    (signal) => menus.prune(signal),
    (signal) => reminders.prune(signal),
    (signal) => pruneConsents(database, signal),
    (signal) => prunePauses(database, days, signal),
    (signal) => pruneToolGrants(database, signal),
    (signal) => owners.toolSignIns.prune(signal),
    (signal) => new SignIns(database).prune(signal),
    (signal) => pruneSettings(database, signal),
    (signal) => pruneKnownMembers(database, signal),
    (signal) => pruneRooms(database, signal),
    // Last: everything sealed with them is gone.
    () => seals.prune(),
  ];
}
