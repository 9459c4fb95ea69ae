import type { Config } from "../config/config.ts";
import { changesOf } from "../config/changes.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Logger } from "../observability/log.ts";

/**
 * Reads the configuration again and applies it, whole or not at all. Obstacles are logged: every mistake, or the
 * settings that need a restart. Never rejects.
 *
 * @param load reads and checks the configuration.
 * @param now the bridge's present configuration.
 * @param take applies another one. It rejects when it can't, and then has changed nothing.
 */
export async function reload(
  load: () => Promise<Config>,
  now: Config,
  take: (next: Config, changed: readonly string[]) => Promise<void>,
  log: Logger,
): Promise<void> {
  try {
    const next = await load();
    const { live, restart } = changesOf(now, next);
    if (restart.length > 0) {
      log.error(
        { restart, untouched: live },
        "the new configuration is not applied: some of its changes need a restart; the old one stays in force",
      );
      return;
    }
    if (live.length === 0) {
      log.info("the configuration is unchanged");
      return;
    }
    await take(next, live);
    log.info({ changed: live }, "the new configuration is applied");
  } catch (error) {
    const problems = error instanceof ConfigError ? { problems: error.problems } : { error };
    log.error(problems, "the new configuration is not applied: it has mistakes; the old one stays in force");
  }
}
