import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "../../crypto/device.ts";
import type { Logger } from "../../observability/log.ts";
import type { GhostVerifications, OpenFlow } from "./ghost-verifications.ts";

/** Neither a start nor a stop waits long for a server that is away. */
const TELLING_MS = 5_000;

/**
 * Tells the users whose verifications were cut off that they come to nothing: the engine keeps them in memory alone. Throws
 * StaleLease, DatabaseError.
 *
 * @param options.evenUntold whether a flow has ended too when its user can't be told now. Otherwise that user is told when
 *   the device is opened next.
 */
export async function cancelCutOff(
  flows: readonly OpenFlow[],
  device: Device,
  ledger: Pick<GhostVerifications, "lost">,
  { evenUntold, log }: { readonly evenUntold: boolean; readonly log: Logger },
): Promise<void> {
  await Promise.all(
    flows.map(async ({ form, ...flow }) => {
      const isTold = await inTime(device.cancelVerification(flow, form)).then(
        () => true,
        (error: unknown) => {
          log.warn(
            { user: flow.userId, flow: flow.flowId, error },
            "the user was not told that a verification was interrupted",
          );
          return false;
        },
      );
      if (isTold || evenUntold) await ledger.lost(flow);
    }),
  );
}

/** Rejects when the work takes too long; what comes of it later is of no use to anybody. */
async function inTime(work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const limit = sleep(TELLING_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it took more than ${TELLING_MS} ms`);
  });
  await Promise.race([work, limit]).finally(() => late.abort());
}
