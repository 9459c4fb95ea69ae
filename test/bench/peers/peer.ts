/** The programs that are compared. */
export type PeerName = "bridge" | "nio" | "js-sdk";

/** Agents that give the model's words as answers, all by one program. */
export interface Peer {
  readonly name: PeerName;
  /** Their user ids. */
  readonly agents: readonly string[];
  /** Its processes; their children belong to it too. */
  readonly processes: readonly number[];
  /** The first process of its own PostgreSQL. */
  readonly database?: number;
  /** The last lines of what it wrote about failures. */
  log(): string;
  stop(): Promise<void>;
}

/** The password of every bot; nobody else reaches the homeserver. */
export const PASSWORD = "a password";
