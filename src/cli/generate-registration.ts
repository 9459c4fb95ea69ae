import { resolve } from "node:path";
import { dump } from "js-yaml";
import { FORMATS } from "../config/formats.ts";
import { loadConfig } from "../config/load.ts";
import { makeRegistration } from "../config/registration.ts";
import { writeSecretFile } from "../setup/secret-file.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Writes a registration with fresh random tokens, mode 0600, whole or not at all, and prints the lines to add to
 * homeserver.yaml. Throws ConfigError, {@link UsageError}, or NotWritten, as when the file exists and `force` is
 * not given.
 */
export async function generateRegistration(options: {
  readonly config: string;
  readonly output?: string | undefined;
  readonly url?: string | undefined;
  readonly force: boolean;
}): Promise<number> {
  const config = await loadConfig(options.config);
  const { registration: expectedFile, bind, port, bot } = config.appservice;
  const file = options.output === undefined ? expectedFile : resolve(options.output);
  const url = (options.url ?? localUrl(bind, port)).replace(/\/+$/, "");
  if (!FORMATS["http-url"].validate(url)) throw new UsageError(`--url: expected ${FORMATS["http-url"].expected}`);

  const registration = makeRegistration({ domain: config.homeserver.domain, url, bot });
  const text = `# Made by matrix-agents generate-registration. Keep it secret: its tokens act as every agent.\n${dump(registration)}`;
  await writeSecretFile(file, text, {
    overwrite: options.force,
    otherwise: "--force overwrites it, and Synapse then needs the new file too",
  });
  process.stdout.write(`Wrote ${file}.\n\n${instructions(file)}`);
  if (file !== expectedFile) {
    process.stdout.write(`\nThe bridge itself reads ${expectedFile}: copy it there, or set appservice.registration.\n`);
  }
  return 0;
}

/** Where a homeserver on this machine reaches what listens on `bind`. */
export function localUrl(bind: string, port: number): string {
  if (bind === "0.0.0.0" || bind === "::") return `http://127.0.0.1:${port}`;
  return `http://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

/** What is to be done with a registration file. */
export function instructions(file: string): string {
  return `Add it to Synapse's homeserver.yaml, under a path where Synapse can read it, and restart Synapse:

app_service_config_files:
  - ${JSON.stringify(file)}

That is all it needs. Optional: with these lines agents react sooner to what has no message, such as a verification:

experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
`;
}
