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
 * @param take applies another one. It throws when it can't, and then has changed nothing.
 */
export async function reload(
  load: () => Promise<Config>,
  now: Config,
  take: (next: Config, changed: readonly string[]) => void,
  log: Logger,
): Promise<void> {
  try {
    const next = await load();
    const { live, restart } = changesOf(now, next);
    if (restart.length > 0) {
      log.error(
        { restart, untouched: live },
        "the configuration is not taken over: some of what has changed needs a restart; what was in force goes on to be",
      );
      return;
    }
    if (live.length === 0) {
      log.info("the configuration is as it was");
      return;
    }
    take(next, live);
    log.info({ changed: live }, "the configuration is taken over");
  } catch (error) {
    const problems = error instanceof ConfigError ? { problems: error.problems } : { error };
    log.error(problems, "the configuration is not taken over: it is wrong; what was in force goes on to be");
  }
}
