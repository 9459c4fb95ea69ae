/**
 * The form in which something may be sent: as its room's state says, or only encrypted. The second is for anything made
 * from encrypted messages: whoever controls a room's state could make it look unencrypted.
 */
export type Form = "of_room" | "encrypted";

/** The form in which an answer may be sent. */
export function formFor({ encrypted }: { readonly encrypted: boolean }): Form {
  return encrypted ? "encrypted" : "of_room";
}

/** The options of sending. */
export interface SendOptions {
  readonly form: Form;
  readonly signal?: AbortSignal | undefined;
}

/** A message's reference to an uploaded file: `url` unencrypted, `file` encrypted. */
export type SentFile = { readonly url: string } | { readonly file: Readonly<Record<string, unknown>> };
