import { resolve } from "node:path";
import { dump } from "js-yaml";
import { FORMATS } from "../../config/formats.ts";
import { loadConfig } from "../../config/load.ts";
import { makeRegistration } from "../../config/registration.ts";
import { localUrl } from "../../homeserver/local-url.ts";
import { instructions } from "../../setup/registration-steps.ts";
import { writeSecretFile } from "../../setup/secret-file.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Writes a registration with new random tokens, mode 0600, whole or not at all, and prints the lines for
 * homeserver.yaml. Throws ConfigError, {@link UsageError}, or NotWritten, also when the file exists without `--force`.
 */
export const command = defineCommand({
  summary: "write registration.yaml with new tokens, and show how to add it to Synapse",
  options: {
    output: {
      type: "string",
      short: "o",
      value: "FILE",
      meaning: "the file to write (default: appservice.registration of the configuration)",
    },
    url: {
      type: "string",
      value: "URL",
      meaning: "the URL at which the homeserver reaches the bridge (default: http://<bind>:<port>)",
    },
    force: {
      type: "boolean",
      meaning: "overwrite an existing file: its tokens are lost, Synapse needs the new ones",
    },
  },
  async run(options) {
    if (options.output === "-") {
      throw new UsageError(
        "generate-registration writes no secrets to standard output: name a file, or ./- for one of that name",
      );
    }
    const config = await loadConfig(options.config);
    const { registration: expectedFile, bind, port, bot } = config.appservice;
    const file = options.output === undefined ? expectedFile : resolve(options.output);
    const url = (options.url ?? localUrl({ bind, port })).replace(/\/+$/, "");
    if (!FORMATS["bridge-url"].validate(url)) throw new UsageError(`--url: expected ${FORMATS["bridge-url"].expected}`);

    const registration = makeRegistration({ domain: config.homeserver.domain, url, bot });
    const text = `# Made by matrix-agents generate-registration. Keep it secret: its tokens act as every agent.\n${dump(registration)}`;
    await writeSecretFile(file, text, {
      overwrite: options.force,
      otherwise: "--force overwrites it, and Synapse then needs the new file too",
    });
    process.stdout.write(`Wrote ${file}.\n\n${instructions(file)}`);
    if (file !== expectedFile) {
      process.stdout.write(
        `\nThe bridge itself reads ${expectedFile}: copy it there, or set appservice.registration.\n`,
      );
    }
    return 0;
  },
});
