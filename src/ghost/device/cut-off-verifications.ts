import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "../../crypto/device.ts";
import type { Logger } from "../../observability/log.ts";
import type { GhostVerifications, OpenFlow } from "./ghost-verifications.ts";

/** Neither a start nor a stop waits long for an unreachable server. */
const TELLING_MS = 5_000;

/**
 * Tells users that their interrupted verifications have failed: the engine keeps verifications only in memory. Throws
 * StaleLease, DatabaseError.
 *
 * @param options.evenUntold whether a flow also ends when its user can't be told now. Otherwise the user is told when
 * the device is next opened.
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

/** Rejects when the work takes too long; its later result is ignored. */
async function inTime(work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const limit = sleep(TELLING_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it took more than ${TELLING_MS} ms`);
  });
  await Promise.race([work, limit]).finally(() => late.abort());
}
