import type { EncryptionTarget } from "./encryption-target.ts";

/** A room key that all its recipients have: the next message may be encrypted without asking the engine about them. */
export interface SettledSharing {
  readonly target: EncryptionTarget;
  /** The version of the store's devices and identities; see StoreSession.peopleVersion. */
  readonly peopleVersion: number;
  /** The last time that the engine was asked and found nothing to do; in ms since 1970. */
  readonly at: number;
  /** The recipients who are left out, because their identity changed. */
  readonly leftOut: readonly string[];
  readonly session: MegolmUse;
}

/** A Megolm session in use. */
export interface MegolmUse {
  readonly sessionId: string;
  readonly begun: Beginning;
  /** The index of its last message. */
  readonly index: number;
}

/** The beginning of a Megolm session. */
export interface Beginning {
  /** A time before the engine made it; in ms since 1970. */
  readonly at: number;
  /** The room's encryption then: the engine keeps a session's limits, even where those of the room change. */
  readonly encryption: EncryptionTarget["encryption"];
}

/** The present, in which a settled sharing may be outdated. */
export interface Now {
  readonly peopleVersion: number;
  /** In ms since 1970, by the clock that the engine reads. */
  readonly at: number;
}

/**
 * After this time the engine is asked again, in ms: it tries devices again from which it got no one-time key, and it knows
 * the age of the session.
 */
const KEPT_MS = 60_000;

/** A clock that was set may have moved a session by this much towards its end, in ms. */
const CLOCK_LEEWAY_MS = 60_000;

/** The engine ends a session after this number of messages, whatever a room says. */
const MOST_MESSAGES = 10_000;

/**
 * Whether a message to a target can be encrypted as the last one was. The engine panics when it encrypts with a session that
 * has expired, so a session that could have expired is never used without asking the engine first.
 */
export function isStillSettled(settled: SettledSharing, target: EncryptionTarget, now: Now): boolean {
  const { session, at } = settled;
  const { rotationPeriodMs, rotationPeriodMessages } = session.begun.encryption;
  const sinceMs = now.at - at;
  return (
    settled.peopleVersion === now.peopleVersion &&
    sinceMs >= 0 &&
    sinceMs < KEPT_MS &&
    now.at - session.begun.at < rotationPeriodMs - KEPT_MS - CLOCK_LEEWAY_MS &&
    session.index + 2 < Math.min(rotationPeriodMessages, MOST_MESSAGES) &&
    isSame(settled.target, target)
  );
}

/** Whether two sharings are of one session, with nothing learned of devices and identities in between. */
export function isSameSharing(one: SettledSharing, other: SettledSharing): boolean {
  return one.peopleVersion === other.peopleVersion && one.session.sessionId === other.session.sessionId;
}

/** Whether two targets ask for the same key for the same people. */
function isSame(one: EncryptionTarget, other: EncryptionTarget): boolean {
  return (
    one.newSession !== true &&
    other.newSession !== true &&
    one.roomId === other.roomId &&
    one.sendTo === other.sendTo &&
    one.historyVisibility === other.historyVisibility &&
    one.onChangedIdentity === other.onChangedIdentity &&
    one.encryption.algorithm === other.encryption.algorithm &&
    one.encryption.rotationPeriodMs === other.encryption.rotationPeriodMs &&
    one.encryption.rotationPeriodMessages === other.encryption.rotationPeriodMessages &&
    one.recipients.length === other.recipients.length &&
    one.recipients.every((userId, index) => other.recipients[index] === userId)
  );
}

/**
 * The use of a session after a message of it. Undefined where its beginning was not seen: a former process began it, or an
 * attempt that failed, at a time that nobody knows.
 *
 * @param begun its beginning, if this is its first message.
 */
export function usedBy(
  before: MegolmUse | undefined,
  message: { readonly sessionId: string; readonly index: number | undefined },
  begun: Beginning | undefined,
): MegolmUse | undefined {
  const { sessionId, index } = message;
  if (index === undefined) return undefined;
  if (before?.sessionId === sessionId) return { ...before, index };
  return index === 0 && begun !== undefined ? { sessionId, begun, index } : undefined;
}
