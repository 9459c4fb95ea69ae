import type { Queryable } from "../database/database.ts";
import type { Scope, Seal } from "../sealing/seals.ts";

/**
 * The form in which something may be sent: as its room's state says, or only encrypted. The second is for anything made
 * from encrypted messages: whoever controls a room's state could make it look unencrypted. The third is for fixed words
 * of ours: a ghost that has no device says them unencrypted even in an encrypted room, to which it could say nothing else.
 */
export type Form = "of_room" | "encrypted" | "without a device";

/** The form in which an answer may be sent. */
export function formFor({ encrypted }: { readonly encrypted: boolean }): Form {
  return encrypted ? "encrypted" : "of_room";
}

/** An event that was sent. */
export interface SentEvent {
  readonly eventId: string;
  /**
   * Records that, in a fenced transaction, and starts its only statement at once. Until then a repeat sends the same bytes
   * under the same id. Undefined where it is recorded already.
   */
  readonly mark: ((tx: Queryable) => Promise<unknown>) | undefined;
}

/** Further writes of the fenced transaction that stores an event in its final form. */
export interface StoredBeside {
  /** The scopes of the texts that they seal. */
  readonly scopes: readonly Scope[];
  /** Starts its statements at once. A repeat changes nothing. */
  readonly store: (tx: Queryable, seals: readonly Seal[]) => Promise<unknown>;
}

/** The options of sending. */
export interface SendOptions {
  readonly form: Form;
  readonly signal?: AbortSignal | undefined;
  /** Whether the caller knows that nothing was stored under this step before, and so nothing has to be looked for. */
  readonly isFirst?: boolean | undefined;
  /** Further writes, which are stored with the event; not where the event was stored before. */
  readonly beside?: StoredBeside | undefined;
}

/** A message's reference to an uploaded file: `url` unencrypted, `file` encrypted. */
export type SentFile = { readonly url: string } | { readonly file: Readonly<Record<string, unknown>> };
