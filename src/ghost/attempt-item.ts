import { isUnknownDevice } from "../homeserver/errors.ts";
import { fenced, StaleLease, type Lease } from "../leases/leases.ts";
import type { Attempt } from "../mailbox/attempt.ts";
import type { MailItem } from "../mailbox/mail-item.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { ItemResult } from "./item-result.ts";
import type { MailHandler } from "./mail-handler.ts";

/** What an item is tried with. */
export interface ItemAttempt {
  readonly services: Pick<GhostServices, "database" | "mailbox" | "metrics" | "suspects">;
  readonly handler: Pick<MailHandler, "handle">;
  /** Whether the ghost is being stopped: whatever fails then is not the item's fault. */
  readonly isStopping: () => boolean;
  readonly log: Logger;
}

/**
 * Tries an item, counted. Returns when it is handled, waits, or failed by an error of its own, which after three times
 * sets it aside. Throws, uncounted, when something stood in its way that may pass.
 */
export async function attemptItem(how: ItemAttempt, item: MailItem, loaded: LoadedGhost): Promise<void> {
  if (!item.isSuspect) return attempt(how, item, loaded, () => undefined);
  // One suspect at a time: if the process ends, it is known over which of them.
  const release = await how.services.suspects.acquire();
  try {
    await attempt(how, item, loaded, release);
  } finally {
    release();
  }
}

/** @param cleared called when the engine has let go of the item. */
async function attempt(
  { services, handler, isStopping, log }: ItemAttempt,
  item: MailItem,
  loaded: LoadedGhost,
  cleared: () => void,
): Promise<void> {
  const begun = await services.mailbox.begin(loaded.lease, item);
  try {
    const result = await handler.handle(item, loaded, async () => {
      await begun.survived();
      cleared();
    });
    await settle(services, loaded.lease, item, result);
  } catch (error) {
    if (isRetryable(error) || isUnknownDevice(error) || isStopping()) {
      await takeBack(begun, item, log);
      throw error;
    }
    log.error({ room: item.event.room_id, event: item.event.event_id, error }, "event could not be handled");
    await begun.failed();
  }
}

/** Acts on what was decided. Throws StaleLease, DatabaseError: then the item is still in the mailbox. */
async function settle(
  { database, mailbox, metrics }: ItemAttempt["services"],
  lease: Lease,
  item: MailItem,
  result: ItemResult,
): Promise<void> {
  switch (result.kind) {
    case "done":
      await fenced(database, lease, async (tx) => {
        await result.outcome.store?.(tx);
        await mailbox.done(tx, item);
      });
      metrics?.mail.inc({ outcome: "handled" });
      await result.outcome.after?.();
      return;
    case "awaits_key":
      await mailbox.awaitKey(lease, item, result.key);
      await result.after();
      return;
    case "set_aside":
      await mailbox.setAside(lease, item.id, result.reason);
  }
}

/** Throws nothing: the reason why the item goes back is what matters. */
async function takeBack(begun: Attempt, item: MailItem, log: Logger): Promise<void> {
  await begun.takeBack().catch((error: unknown) => {
    if (!(error instanceof StaleLease)) log.warn({ event: item.event.event_id, error }, "attempt not taken back");
  });
}
