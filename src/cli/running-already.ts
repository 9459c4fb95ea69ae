import type { Config } from "../config/config.ts";
import type { Registration } from "../config/registration.ts";
import { userOfDirectory } from "../database/sole-user.ts";
import { askBridge } from "../doctor/endpoint.ts";
import { endpointOf } from "../egress/endpoints.ts";
import type { EgressGuard } from "../egress/guard.ts";
import { localUrl } from "../homeserver/local-url.ts";
import { StartFailure } from "./start-failure.ts";

/**
 * The reason of a start that found its ports taken, where they are taken by the bridge itself, which runs already; undefined for
 * any other reason.
 *
 * @param guard is made to allow the bridge's own address and nothing else: this process ends.
 */
export async function runningAlready(
  error: unknown,
  config: Config,
  { hsToken }: Registration,
  guard: EgressGuard,
): Promise<StartFailure | undefined> {
  if (!isAddressInUse(error)) return undefined;
  const holder = config.database === undefined ? await userOfDirectory(config.dataDir) : undefined;
  if (holder?.kind === "bridge" && holder.pid !== process.pid) {
    return new StartFailure(`the bridge is running already, or starting (pid ${holder.pid}); stop that process first`, {
      cause: error,
    });
  }
  const url = localUrl(config.appservice);
  guard.allow([endpointOf(new URL(url))], () => undefined);
  const there = await askBridge(url, hsToken);
  return there.kind === "running"
    ? new StartFailure(`the bridge is running already, at ${url}; stop that process first`, { cause: error })
    : undefined;
}

/** Whether another process listens on a port of ours. */
function isAddressInUse(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
}
