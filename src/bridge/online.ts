import type { ReminderClock } from "../answering/reminder-clock.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import { awaitHomeserver } from "../homeserver/ping.ts";
import { reasonOfAbsence } from "../homeserver/survey.ts";
import { watchHomeserver } from "../homeserver/watch.ts";
import type { TurnRunner } from "../turns/turn-runner.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";
import type { Recovery } from "./recovery.ts";
import type { Stores } from "./stores.ts";

/** The parts that need the homeserver. */
export interface OnlineParts {
  readonly ghosts: Ghosts;
  readonly presence: Presence;
  readonly recovery: Recovery;
  readonly runner: TurnRunner;
  readonly clock: ReminderClock;
}

/** The bridge's work with the homeserver. */
export class Online {
  readonly #foundation: Foundation;
  readonly #stores: Stores;
  readonly #parts: OnlineParts;
  #isStarted = false;

  constructor(foundation: Foundation, stores: Stores, parts: OnlineParts) {
    this.#foundation = foundation;
    this.#stores = stores;
    this.#parts = parts;
  }

  /** Whether the agents handle their mail. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Starts to wait for the homeserver; until it answers, transactions wait in the mailbox. Returns at once. */
  begin(): void {
    const { closers, stopping, log } = this.#foundation;
    const online = this.#goOnline().catch((error: unknown) => {
      if (!stopping.aborted) log.error({ error }, "start-up was interrupted");
    });
    closers.add(() => online);
  }

  async #goOnline(): Promise<void> {
    const { client, config, registration, processes, directory, database, botUserId, background, stopping, log } =
      this.#foundation;
    const { ghosts, presence, recovery, runner, clock } = this.#parts;
    const { banLists, pauses } = this.#stores;
    processes.listen({
      notified: (notification) => ghosts.heard(notification),
      beat: () => {
        ghosts.beat();
        banLists.look();
        background.run("the paused agents", async () => {
          if (await pauses.refresh()) runner.kick();
        });
      },
    });
    const { url, ca } = config.homeserver;
    const why = (): Promise<string | undefined> => reasonOfAbsence(url, ca);
    await awaitHomeserver({ client, ours: registration, why, log, signal: stopping });
    await recovery.ping();
    await ghosts.announce([botUserId]);
    banLists.refresh();
    await ghosts.announce(presence.agents);
    // A caller who needs one of them must not wait for all.
    directory.onChange((userIds) => background.run("the new agents", () => presence.announceAnew(userIds)));
    ghosts.start(config.sync.intervalMs);
    recovery.search("own start");
    recovery.watchDeletions();
    background.run("the watch", () => watchHomeserver(client, botUserId, log, stopping));
    runner.kick();
    this.#isStarted = true;
    for (const { ghost, by, at } of pauses.all)
      log.warn({ ghost, by, since: at }, "this agent is paused: it answers nothing");
    log.info({ agents: directory.list().length, database: database.kind }, "ready");
    clock.start();
    background.run("the avatars", () => presence.giveAvatars([botUserId, ...presence.agents]));
  }
}
