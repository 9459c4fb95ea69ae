import { createHash } from "node:crypto";
import { setDisplayName } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isRefusal } from "../homeserver/errors.ts";
import type { Logger } from "../observability/log.ts";

/** How a ghost is called; how it looks is in avatars.ts. */
export interface Profile {
  readonly displayName: string;
}

/** How the bridge's own bot is called. */
export const BOT_PROFILE: Profile = { displayName: "AI agents" };

/**
 * Sets the display name where it differs from what was set last, and returns its fingerprint. A homeserver that lets
 * nobody change their name (Synapse's `enable_set_displayname`) is no reason to be silent.
 *
 * @param last The fingerprint of what was set last.
 */
export async function setProfile(
  client: HomeserverClient,
  userId: string,
  { displayName }: Profile,
  last: string | undefined,
  log: Logger,
): Promise<string> {
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([displayName, null]))
    .digest("hex");
  if (fingerprint === last) return fingerprint;
  try {
    await setDisplayName(client, { userId }, displayName);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.warn({ error }, "the homeserver refuses this ghost's display name");
  }
  return fingerprint;
}
