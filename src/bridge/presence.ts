import { Avatars } from "../avatars/avatars.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { Foundation } from "./foundation.ts";

/** Registers the agents' users on the homeserver, with their profiles. */
export class Presence {
  readonly #foundation: Foundation;
  readonly #ghosts: Ghosts;
  readonly #avatars: Avatars;

  constructor(foundation: Foundation, ghosts: Ghosts) {
    const { database, client, directory, closers, log } = foundation;
    this.#foundation = foundation;
    this.#ghosts = ghosts;
    this.#avatars = new Avatars({
      database,
      client,
      configured: (userId) => directory.agentOf(userId)?.avatar,
      isNew: (userId) => ghosts.madeHere(userId),
      log,
    });
    closers.add(() => this.#avatars.stop());
  }

  /** The users of the present agents. */
  get agents(): string[] {
    return this.#foundation.directory.list().map(({ userId }) => userId);
  }

  /** Announces agents that may be new or renamed, with their avatars. */
  async announceAnew(userIds: readonly string[]): Promise<void> {
    await this.#ghosts.announce(userIds, { anew: true });
    await this.giveAvatars(userIds);
  }

  /** The process that makes a ghost also sets its avatar. */
  async giveAvatars(userIds: readonly string[]): Promise<void> {
    await this.#avatars.give(userIds.filter((userId) => this.#foundation.processes.prefers(userId)));
  }
}
