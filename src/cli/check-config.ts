import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";

/** Checks both files and says that they are good. Throws ConfigError. */
export async function checkConfig(options: { config: string }): Promise<number> {
  const config = await loadConfig(options.config);
  await loadRegistration(config);
  process.stdout.write(`${options.config} and ${config.appservice.registration} are good.\n`);
  return 0;
}
