import { devices } from "../homeserver/key-backup-calls.ts";
import { isDeviceName } from "./device/device-name.ts";
import type { Retryable } from "../observability/retryable.ts";
import type { CallOptions, HomeserverClient } from "../homeserver/client.ts";

/** A session of somebody who is signed in as one of our users. */
export interface ForeignSession {
  readonly deviceId: string;
  /** The name that it gave itself; undefined where it gave none. */
  readonly displayName: string | undefined;
}

/**
 * The user of an agent is somebody's account: it was there before the bridge first made it, and people are signed in. It
 * is not taken over, because its owner would read what is said to the agent, and speak as the agent.
 */
export class ForeignAccount extends Error implements Retryable {
  override readonly name = "ForeignAccount";
  /** An admin may give the account to the bridge. */
  readonly retryable = true;
  readonly subject: string;

  constructor(userId: string, sessions: readonly ForeignSession[]) {
    const which = sessions.map(({ deviceId }) => deviceId).join(", ");
    super(
      `${userId} is somebody's account with sessions of its own (${which}), not the bridge's: deactivate it at the homeserver, rename the agent, or take it over, which ends its sessions: matrix-agents adopt ${userId}`,
    );
    this.subject = userId;
  }
}

/** The most sessions that are told. */
const MOST_TOLD = 5;

/**
 * The sessions of people who are signed in as one of our users. A device of an earlier database of this bridge is none: it has a
 * name as we give it, and the homeserver, which tells when a session was last seen, has never seen a device that an
 * application service made. A session that was never used has not been seen either, but has another name. Throws HomeserverError.
 *
 * @param ours the ids of this bridge's devices, which are left out in any case.
 */
export async function foreignSessions(
  client: HomeserverClient,
  userId: string,
  ours: ReadonlySet<string>,
  options?: CallOptions,
): Promise<readonly ForeignSession[]> {
  const all = await devices(client, { userId }, options);
  return all.filter(
    ({ deviceId, isSeen, displayName }) => !ours.has(deviceId) && (isSeen || !isDeviceName(displayName)),
  );
}

/** Throws {@link ForeignAccount} where people are signed in as this user, and HomeserverError. */
export async function refuseForeignAccount(
  client: HomeserverClient,
  userId: string,
  ours: ReadonlySet<string>,
): Promise<void> {
  const sessions = await foreignSessions(client, userId, ours);
  if (sessions.length > 0) throw new ForeignAccount(userId, sessions.slice(0, MOST_TOLD));
}
