import { createHash } from "node:crypto";
import { setDisplayName } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isRefusal } from "../homeserver/errors.ts";
import type { Logger } from "../observability/log.ts";

/** A ghost's name; avatars.ts has its picture. */
export interface Profile {
  readonly displayName: string;
}

/** The name of the bridge's own bot. */
export const BOT_PROFILE: Profile = { displayName: "AI agents" };

/** Tells two profiles apart; `ghosts.profile` has the one of the last profile set. */
export function fingerprintOf({ displayName }: Profile): string {
  return createHash("sha256")
    .update(JSON.stringify([displayName, null]))
    .digest("hex");
}

/**
 * Sets the display name where it differs from the last one, and returns its fingerprint. A homeserver that refuses
 * names (Synapse's `enable_set_displayname`) must not silence the ghost.
 *
 * @param last the fingerprint of the last name set.
 */
export async function setProfile(
  client: HomeserverClient,
  userId: string,
  profile: Profile,
  last: string | undefined,
  log: Logger,
): Promise<string> {
  const fingerprint = fingerprintOf(profile);
  if (fingerprint === last) return fingerprint;
  try {
    await setDisplayName(client, { userId }, profile.displayName);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.warn({ error }, "the homeserver refuses this ghost's display name");
  }
  return fingerprint;
}
