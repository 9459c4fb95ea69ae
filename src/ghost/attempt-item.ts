import { isUnknownDevice } from "../homeserver/errors.ts";
import { fencedWithLast, StaleLease, type Lease } from "../leases/leases.ts";
import type { Attempt } from "../mailbox/attempt.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { ItemResult } from "./item-result.ts";
import type { MailHandler } from "./mail-handler.ts";

/** The parts that an attempt at an item needs. */
export interface ItemAttempt {
  readonly services: Pick<GhostServices, "database" | "mailbox" | "metrics" | "suspects">;
  readonly handler: Pick<MailHandler, "handle">;
  /** Whether the ghost is being stopped: then no failure is the item's fault. */
  readonly isStopping: () => boolean;
  readonly log: Logger;
}

/**
 * Attempts an item and counts the attempt. Returns when the item is handled, waits, or failed by an error of its own;
 * the third such failure sets it aside. Throws, without counting, for a temporary obstacle.
 *
 * @returns whether ready mail may be left, of which the ghost was not told.
 */
export async function attemptItem(how: ItemAttempt, item: MailItem, loaded: LoadedGhost): Promise<boolean> {
  if (!item.isSuspect) return attempt(how, item, loaded, () => undefined);
  // One suspect at a time: if the process ends, the culprit is known.
  const release = await how.services.suspects.acquire();
  try {
    return await attempt(how, item, loaded, release);
  } finally {
    release();
  }
}

/** @param cleared called when the engine has finished with the item. */
async function attempt(how: ItemAttempt, item: MailItem, loaded: LoadedGhost, cleared: () => void): Promise<boolean> {
  const { services, handler, isStopping, log } = how;
  const begun = await services.mailbox.begin(loaded.lease, item);
  let settled: Settled;
  try {
    const result = await handler.handle(item, loaded, async () => {
      await begun.survived();
      cleared();
    });
    settled = await settle(services, loaded.lease, item, result);
  } catch (error) {
    if (isRetryable(error) || isUnknownDevice(error) || isStopping()) {
      await takeBack(begun, item, log);
      throw error;
    }
    log.error({ room: item.event.room_id, event: item.event.event_id, error }, "event could not be handled");
    await begun.failed();
    return true;
  }
  await follow(how, item, settled.after);
  return settled.mayHaveMore;
}

/** The rest of an item whose result is committed. */
interface Settled {
  /** The work that follows. */
  readonly after: (() => void | Promise<void>) | undefined;
  readonly mayHaveMore: boolean;
}

/** Commits the decision. Throws StaleLease, DatabaseError: then the item is still in the mailbox. */
async function settle(
  { database, mailbox, metrics }: ItemAttempt["services"],
  lease: Lease,
  item: MailItem,
  result: ItemResult,
): Promise<Settled> {
  switch (result.kind) {
    case "done": {
      const { store, last, after } = result.outcome;
      const [, , mayHaveMore] = await fencedWithLast(
        database,
        lease,
        async (tx) => store?.(tx),
        (tx) => Promise.all([last?.(tx), mailbox.done(tx, item), mailbox.hasReady(tx, lease.ghost)]),
      );
      metrics?.mail.inc({ outcome: "handled" });
      return { after, mayHaveMore };
    }
    case "awaits_key":
      await mailbox.awaitKey(lease, item, result.key);
      return { after: result.after, mayHaveMore: true };
    case "set_aside":
      await mailbox.setAside(lease, item.id, result.reason);
      return { after: undefined, mayHaveMore: true };
  }
}

/**
 * The item is already handled, so a failure is not its fault. The actor waits for a temporary one; any other is logged.
 */
async function follow({ isStopping, log }: ItemAttempt, item: MailItem, after: Settled["after"]): Promise<void> {
  try {
    await after?.();
  } catch (error) {
    if (isRetryable(error) || isUnknownDevice(error) || isStopping()) throw error;
    const { room_id: room, event_id: event } = item.event;
    log.error({ room, event, error }, "the work after a handled event failed");
  }
}

/** Throws nothing: only the reason for returning the item matters. */
async function takeBack(begun: Attempt, item: MailItem, log: Logger): Promise<void> {
  await begun.takeBack().catch((error: unknown) => {
    if (!(error instanceof StaleLease))
      log.warn({ event: item.event.event_id, error }, "an attempt could not be undone");
  });
}
