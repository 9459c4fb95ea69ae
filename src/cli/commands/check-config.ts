import { loadConfig } from "../../config/load.ts";
import { loadRegistration } from "../../config/registration.ts";
import { defineCommand } from "../command.ts";

/** Throws ConfigError. */
export const command = defineCommand({
  summary: "check config.yaml and registration.yaml, and do nothing else",
  options: {},
  async run({ config: file }) {
    const config = await loadConfig(file);
    await loadRegistration(config);
    process.stdout.write(`${file} and ${config.appservice.registration} are good.\n`);
    return 0;
  },
});
