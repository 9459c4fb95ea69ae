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
 */
export async function attemptItem(how: ItemAttempt, item: MailItem, loaded: LoadedGhost): Promise<void> {
  if (!item.isSuspect) return attempt(how, item, loaded, () => undefined);
  // One suspect at a time: if the process ends, the culprit is known.
  const release = await how.services.suspects.acquire();
  try {
    await attempt(how, item, loaded, release);
  } finally {
    release();
  }
}

/** @param cleared called when the engine has finished with the item. */
async function attempt(how: ItemAttempt, item: MailItem, loaded: LoadedGhost, cleared: () => void): Promise<void> {
  const { services, handler, isStopping, log } = how;
  const begun = await services.mailbox.begin(loaded.lease, item);
  let after: ItemFollowUp;
  try {
    const result = await handler.handle(item, loaded, async () => {
      await begun.survived();
      cleared();
    });
    after = await settle(services, loaded.lease, item, result);
  } catch (error) {
    if (isRetryable(error) || isUnknownDevice(error) || isStopping()) {
      await takeBack(begun, item, log);
      throw error;
    }
    log.error({ room: item.event.room_id, event: item.event.event_id, error }, "event could not be handled");
    await begun.failed();
    return;
  }
  await follow(how, item, after);
}

/** The work that follows an item whose result is committed. */
type ItemFollowUp = (() => void | Promise<void>) | undefined;

/**
 * Commits the decision, and returns the work that follows. Throws StaleLease, DatabaseError: then the item is still in
 * the mailbox.
 */
async function settle(
  { database, mailbox, metrics }: ItemAttempt["services"],
  lease: Lease,
  item: MailItem,
  result: ItemResult,
): Promise<ItemFollowUp> {
  switch (result.kind) {
    case "done":
      await fencedWithLast(
        database,
        lease,
        async (tx) => result.outcome.store?.(tx),
        (tx) => Promise.all([result.outcome.last?.(tx), mailbox.done(tx, item)]),
      );
      metrics?.mail.inc({ outcome: "handled" });
      return result.outcome.after;
    case "awaits_key":
      await mailbox.awaitKey(lease, item, result.key);
      return result.after;
    case "set_aside":
      await mailbox.setAside(lease, item.id, result.reason);
      return undefined;
  }
}

/**
 * The item is already handled, so a failure is not its fault. The actor waits for a temporary one; any other is logged.
 */
async function follow({ isStopping, log }: ItemAttempt, item: MailItem, after: ItemFollowUp): Promise<void> {
  try {
    await after?.();
  } catch (error) {
    if (isRetryable(error) || isUnknownDevice(error) || isStopping()) throw error;
    const { room_id: room, event_id: event } = item.event;
    log.error({ room, event, error }, "the work after a handled event failed");
  }
}

/** Throws nothing: the reason for returning the item is what matters. */
async function takeBack(begun: Attempt, item: MailItem, log: Logger): Promise<void> {
  await begun.takeBack().catch((error: unknown) => {
    if (!(error instanceof StaleLease))
      log.warn({ event: item.event.event_id, error }, "an attempt could not be undone");
  });
}
