import type { Commit } from "./contents.ts";

/** The engine's object stores of its account, its sessions and room keys; their names may end in a format number. */
const OF_KEYS = /^(?:core|sessions|inbound_group_sessions|outbound_group_sessions|olm_hashes)\d*$/;

/** Those of the room keys that the engine encrypts with: a record for each room. */
const OWN_ROOM_KEYS = /^outbound_group_sessions\d*$/;

/** What the writes of a store tell about the engine's knowledge, whose values are encrypted. */
export class Written {
  #peopleVersion = 0;
  readonly #ownKeys = new Set<string>();

  /** See StoreSession.peopleVersion. */
  get peopleVersion(): number {
    return this.#peopleVersion;
  }

  /** See StoreSession.roomsWithOwnKey. */
  get roomsWithOwnKey(): number {
    return this.#ownKeys.size;
  }

  /** Notes a write before it is made. Unknown object stores count as those of people. */
  begun(commit: Commit): void {
    const isAboutPeople = commit.kind === "replacement" || commit.changes.some(({ store }) => !OF_KEYS.test(store));
    if (isAboutPeople) this.#peopleVersion++;
  }

  /** Notes a write that is made. */
  done(commit: Commit): void {
    this.holds(commit.kind === "changes" ? commit.changes : commit.contents.records);
  }

  /** Notes the records that the store holds. */
  holds(records: readonly { readonly store: string; readonly key: unknown }[]): void {
    for (const { store, key } of records) if (OWN_ROOM_KEYS.test(store)) this.#ownKeys.add(JSON.stringify(key));
  }
}
