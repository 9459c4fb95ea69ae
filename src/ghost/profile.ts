import { createHash } from "node:crypto";
import { setDisplayName, setProfileField } from "../homeserver/calls.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isRefusal } from "../homeserver/errors.ts";
import { AI_FIELD, AI_MADE } from "../matrix/ai-mark.ts";
import type { Logger } from "../observability/log.ts";

/** A ghost's name and mark; avatars.ts has its picture. */
export interface Profile {
  readonly displayName: string;
  /** Whether it is marked as an AI, for programs. */
  readonly isMarked: boolean;
}

/** The profile of the bridge's own bot, which is no model. */
export const BOT_PROFILE: Profile = { displayName: "AI agents", isMarked: false };

/** Tells two profiles apart; `ghosts.profile` has the one of the last profile set. */
export function fingerprintOf({ displayName, isMarked }: Profile): string {
  return createHash("sha256")
    .update(JSON.stringify([displayName, null, ...(isMarked ? [AI_MADE] : [])]))
    .digest("hex");
}

/**
 * Sets the display name and the mark where they differ from the last ones, and returns their fingerprint. A homeserver that refuses
 * names (Synapse's `enable_set_displayname`) or further fields must not silence the ghost.
 *
 * @param last the fingerprint of the last profile set.
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
  const { displayName, isMarked } = profile;
  if (last !== fingerprintOf({ displayName, isMarked: !isMarked })) {
    await unlessRefused(setDisplayName(client, { userId }, displayName), (error) =>
      log.warn({ error }, "the homeserver refuses this ghost's display name"),
    );
  }
  // A profile that was never set has no mark to remove.
  if (isMarked || last !== undefined) {
    await unlessRefused(setProfileField(client, { userId }, AI_FIELD, isMarked ? AI_MADE : undefined), (error) =>
      log.info({ error }, "the homeserver takes no mark of an AI in this ghost's profile"),
    );
  }
  return fingerprint;
}

async function unlessRefused(call: Promise<void>, tell: (error: unknown) => void): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    tell(error);
  }
}
