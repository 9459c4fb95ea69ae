/** Why a provider could not answer. */
export type ProviderFailure =
  /** Nothing answers at the address. */
  | "unreachable"
  /** The provider does not have the model. */
  | "model_missing"
  /** No first token, or none for a while, within the configured time. */
  | "timeout"
  /** The stream ended in the middle. */
  | "cut_off"
  /** The answer is not what the protocol allows. */
  | "malformed"
  /** The provider has too much to do, or we have asked too often. */
  | "busy"
  /** The provider wants money first: no pause and no other words help. */
  | "unpaid"
  /** The provider answered with an error of its own. */
  | "refused"
  /** The stream ended well but held no text. */
  | "empty"
  /** The model came to its limit before it had said anything: all went into thinking. */
  | "thought_only"
  /** The server's rules about content let nothing through. */
  | "declined"
  /** The prompt does not fit into the window that the model is run with. */
  | "too_long"
  /** Our own signal ended it. */
  | "cancelled";

/** Why a file can't be read. */
export type FileFailure =
  | "cant_see"
  | "cant_hear"
  | "cant_read"
  | "no_text"
  | "locked"
  | "old_office"
  | "heic"
  | "svg"
  | "foreign_picture"
  | "mislabelled"
  | "too_large"
  | "no_file";

/** Why a question has no answer. Each reason has words in every language. */
export type TurnFailure =
  | ProviderFailure
  | FileFailure
  /** The agent is not there any more. */
  | "gone"
  /** The model was at work, and then nothing more came. */
  | "fell_silent"
  /** The model was at work until its time was over. */
  | "ran_on"
  /** The question was too long in the queue. */
  | "waited"
  /** The queue was full. */
  | "full"
  /** The answer is made of messages that came encrypted, and the room is not encrypted. */
  | "in_clear"
  /** Any other error. */
  | "unknown";
