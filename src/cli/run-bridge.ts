import { once } from "node:events";
import { resolve } from "node:path";
import type { ConfigurationFile } from "../bridge/reloader.ts";
import { InsecureFiles, insecureFiles } from "../config/guarded-files.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";
import { secretsOf } from "../config/secrets.ts";
import { endpointsOf } from "../egress/endpoints.ts";
import type { EgressGuard } from "../egress/guard.ts";
import { createLogger, type Logger } from "../observability/log.ts";
import { Secrets } from "../observability/secrets.ts";
import { launchesOf } from "../tools/sandbox.ts";
import { Hangups } from "./hangups.ts";
import { runningAlready } from "./running-already.ts";
import { explainStartFailure } from "./start-failure.ts";

/** The limit of a stop, on top of the turns' own time: a hanging database could block it. */
export const STOP_LIMIT_MS = 60_000;

/** The most distinct refusals that are logged: a library that retries for ever must not fill the log. */
const TOLD_REFUSALS = 100;

/** Logs each refused target once. */
function tellOfRefusals(log: Logger): (what: string) => void {
  const told = new Set<string>();
  return (what) => {
    if (told.has(what) || told.size >= TOLD_REFUSALS) return;
    told.add(what);
    log.error({ what }, "a connection to something that is not configured was refused");
  };
}

/**
 * An uncaught error ends the process as usual, but Node itself would print the error with everything attached to it.
 */
function endBy(log: Logger): void {
  process.on("uncaughtException", (error: unknown) => {
    log.fatal({ error }, "an uncaught fault ends the process; the next start continues its work");
    process.exit(1);
  });
}

/** A second signal, and the end of the time, end the process at once. */
function beginStop(log: Logger, limitMs: number): void {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  log.info("stopping");
  setTimeout(() => {
    log.error("the bridge did not stop in time and is ended; nothing is lost, the next start continues its work");
    process.exit(1);
  }, limitMs).unref();
}

/**
 * Runs the bridge in a restricted process until SIGINT or SIGTERM; a second signal ends it at once. Returns 0 after a
 * clean stop. Throws ConfigError, InsecureFiles, and the errors of the start.
 *
 * @param file the configuration.
 * @param isInsecure whether it starts even though others can read or change secrets.
 */
export async function runBridge(
  file: string,
  { isInsecure }: { readonly isInsecure: boolean },
  guard: EgressGuard,
): Promise<number> {
  let config = await loadConfig(file);
  const registration = await loadRegistration(config);
  const secrets = new Secrets(secretsOf(config, registration));
  const log = createLogger(() => config.logging.level, config.logging.format, secrets);
  endBy(log);
  const checkFiles = async ({ guardedFiles }: Config): Promise<void> => {
    const insecure = await insecureFiles(guardedFiles);
    if (insecure.length > 0 && !isInsecure) throw new InsecureFiles(insecure);
    for (const { path, problem, mend } of insecure) log.warn({ path, mend }, `${problem}; starting anyway`);
  };
  await checkFiles(config);
  const tell = tellOfRefusals(log);
  guard.allow(endpointsOf(config), tell, launchesOf(config.tools));
  // From here on SIGHUP no longer ends the process; an early one is handled once the bridge runs.
  const hangups = new Hangups();
  // Loaded late: a wrong configuration is reported before the database and the engine are loaded.
  const { startBridge } = await import("../bridge/start.ts");

  // Also while it starts, which takes long where the database is made.
  const signalled = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]).then(() => {
    beginStop(log, config.turns.drainMs + STOP_LIMIT_MS);
  });
  const configuration: ConfigurationFile = {
    path: resolve(file),
    load: async () => {
      const next = await loadConfig(file);
      // The log must know the secrets before a failure could print them.
      secrets.add(secretsOf(next, registration));
      await checkFiles(next);
      return next;
    },
    applied: (next) => {
      guard.allow(endpointsOf(next), tell, launchesOf(next.tools));
      config = next;
    },
  };
  const bridge = await startBridge(config, configuration, registration, log).catch(async (error: unknown) => {
    throw (await runningAlready(error, config, registration, guard)) ?? explainStartFailure(error, config);
  });
  hangups.answer(async () => {
    // The outcome, and a fault of ours, are in the log.
    await bridge.reloader.apply().catch(() => undefined);
  });
  await signalled;
  await bridge.stop();
  log.info("stopped");
  return 0;
}
