/**
 * In which form something may leave: as its room's state says, or encrypted and not at all otherwise. The second is for all
 * that repeats, or is made of, what came encrypted: who keeps a room's state could make it look as if it were in clear.
 */
export type Form = "of_room" | "encrypted";

/** In which form what answers something may leave. */
export function formFor({ encrypted }: { readonly encrypted: boolean }): Form {
  return encrypted ? "encrypted" : "of_room";
}

/** How something is sent. */
export interface SendOptions {
  readonly form: Form;
  readonly signal?: AbortSignal | undefined;
}

/** How a message names a file that a ghost has put on the homeserver: by `url` in clear, by `file` where it is encrypted. */
export type SentFile = { readonly url: string } | { readonly file: Readonly<Record<string, unknown>> };
