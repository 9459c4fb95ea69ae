import { refreshRoom } from "../ghost/refreshed-room.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import { startPruning } from "../mailbox/pruning.ts";
import { Retention } from "../memory/retention.ts";
import type { Foundation } from "./foundation.ts";
import { pruners } from "./pruners.ts";
import type { Stores } from "./stores.ts";

/** Starts the hourly deletion of unneeded rows. */
export function beginPruning(
  { database, client, config, settings, closers, log }: Foundation,
  stores: Stores,
  mailbox: Mailbox,
): void {
  const { rooms, forgetting, memberships } = stores;
  const { outbox, turns, exchanges, readFiles, requests, invites, menus, reminders, toolSignIns, seals } = stores;
  const retention = new Retention({
    rooms,
    forgetting,
    mailbox,
    maxAgeMs: () => settings().memory.retentionMs,
    read: (roomId) => refreshRoom(memberships, rooms, client, roomId),
    log,
  });
  const { forgetKeysAfterMs } = config.encryption;
  const owners = {
    mailbox,
    outbox,
    turns,
    exchanges,
    readFiles,
    requests,
    invites,
    menus,
    reminders,
    toolSignIns,
    seals,
  };
  closers.add(startPruning(database, pruners(database, { ...owners, retention, forgetKeysAfterMs }), log));
}
