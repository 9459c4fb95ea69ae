import { Avatars } from "../avatars/avatars.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { Foundation } from "./foundation.ts";

/** Makes the agents known to the homeserver: their users, and how they look. */
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
      log,
    });
    closers.add(() => this.#avatars.stop());
  }

  /** The users of the agents that there are now. */
  get agents(): string[] {
    return this.#foundation.directory.list().map(({ userId }) => userId);
  }

  /** Announces agents that may be new, or be called otherwise than before, with their avatars. */
  async announceAnew(userIds: readonly string[]): Promise<void> {
    await this.#ghosts.announce(userIds, { anew: true });
    await this.giveAvatars(userIds);
  }

  /** Each avatar is given by the one process that makes it. */
  async giveAvatars(userIds: readonly string[]): Promise<void> {
    await this.#avatars.give(userIds.filter((userId) => this.#foundation.processes.prefers(userId)));
  }
}
