import type { Actor } from "../audit/audit-entry.ts";
import { Serial } from "../concurrency/serial.ts";
import type { Config } from "../config/config.ts";
import { mistakesOf, previewOf, type Reloaded, type ReloadPreview } from "../config/reload.ts";
import type { Logger } from "../observability/log.ts";

/** The file with the configuration of a running bridge. */
export interface ConfigurationFile {
  /** Its absolute path. */
  readonly path: string;
  /** Reads and checks it. Throws ConfigError, and another OperatorError where a file is open to others. */
  load(): Promise<Config>;
  /** Another configuration is in force from now on. Called in the same tick, before anything asks a new provider. */
  applied(config: Config): void;
}

/** The parts that reading the configuration again needs. */
export interface ReloaderOptions {
  readonly file: ConfigurationFile;
  /** The configuration that is in force. */
  readonly now: () => Config;
  /** Makes what another configuration needs, and resolves with the function that puts it in force. */
  readonly prepare: (next: Config, changed: readonly string[], by: Actor | undefined) => Promise<() => void>;
  readonly log: Logger;
}

/** Reads the configuration again, at one wish after the other, and takes over all of it or nothing. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #turns = new Serial();

  constructor(options: ReloaderOptions) {
    this.#options = options;
  }

  /** The absolute path of the file. */
  get path(): string {
    return this.#options.file.path;
  }

  /** Says what {@link apply} would do now. It changes nothing. Throws only for a fault of ours. */
  async preview(): Promise<ReloadPreview> {
    try {
      return previewOf(this.#options.now(), await this.#options.file.load());
    } catch (error) {
      const mistakes = mistakesOf(error);
      if (mistakes === undefined) throw error;
      return mistakes;
    }
  }

  /**
   * Applies the file. The outcome is logged. Throws only for a fault of ours, which is logged too; the former configuration
   * then stays in force.
   *
   * @param by the one who wishes it, for the audit log; undefined for a signal.
   */
  apply(by?: Actor): Promise<Reloaded> {
    return this.#turns.run(async () => {
      try {
        const outcome = await this.#apply(by);
        this.#tell(outcome);
        return outcome;
      } catch (error) {
        const mistakes = mistakesOf(error);
        if (mistakes === undefined) {
          this.#options.log.error({ error }, "the new configuration could not be applied; the old one stays in force");
          throw error;
        }
        this.#tell(mistakes);
        return mistakes;
      }
    });
  }

  async #apply(by: Actor | undefined): Promise<Reloaded> {
    const { file, now, prepare } = this.#options;
    const next = await file.load();
    const preview = previewOf(now(), next);
    if (preview.kind !== "changes") return preview;
    const { changed } = preview;
    const putInForce = await prepare(next, changed, by);
    putInForce();
    file.applied(next);
    return { kind: "applied", changed };
  }

  #tell(outcome: Reloaded): void {
    const { log } = this.#options;
    switch (outcome.kind) {
      case "unchanged":
        log.info("the configuration is unchanged");
        return;
      case "applied":
        log.info({ changed: outcome.changed }, "the new configuration is applied");
        return;
      case "restart": {
        const { restart, untouched } = outcome;
        log.error(
          { restart, untouched },
          "the new configuration is not applied: some of its changes need a restart; the old one stays in force",
        );
        return;
      }
      case "mistakes": {
        const { problems, reason } = outcome;
        log.error(
          problems.length > 0 ? { problems } : { reason },
          "the new configuration is not applied: it has mistakes; the old one stays in force",
        );
      }
    }
  }
}
