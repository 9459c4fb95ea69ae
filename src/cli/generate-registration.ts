import { randomUUID } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { dump } from "js-yaml";
import { loadConfig } from "../config/load.ts";
import { makeRegistration } from "../config/registration.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Writes a registration with fresh random tokens, mode 0600, whole or not at all, and prints the lines to add to
 * homeserver.yaml. Throws ConfigError, or {@link UsageError} when the file exists and `force` is not given.
 */
export async function generateRegistration(options: {
  config: string;
  output?: string | undefined;
  url?: string | undefined;
  force: boolean;
}): Promise<number> {
  const config = await loadConfig(options.config);
  const file = options.output === undefined ? config.appservice.registration : resolve(options.output);
  const { bind, port } = config.appservice;
  const host = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind.includes(":") ? `[${bind}]` : bind;
  const url = options.url ?? `http://${host}:${port}`;
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new UsageError(`--url: ${url} is no http(s) URL`);

  const registration = makeRegistration({ domain: config.homeserver.domain, url, bot: config.appservice.bot });
  const text = `# Made by matrix-agents generate-registration. Keep it secret: its tokens act as every agent.\n${dump(registration)}`;
  await writeSecret(file, text, options.force);
  process.stdout.write(`Wrote ${file}.

Add it to Synapse's homeserver.yaml, under a path where Synapse can read it, and restart Synapse:

app_service_config_files:
  - ${file}

That is all it needs. Optional: with these lines agents react sooner to what has no message, such as a verification:

experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
`);
  return 0;
}

async function writeSecret(file: string, text: string, force: boolean): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    if (force) await rename(draft, file);
    else await link(draft, file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "EEXIST") {
      throw new UsageError(
        `${file} exists already and is left as it is; --force overwrites it, and Synapse then needs the new file too`,
      );
    }
    throw new UsageError(`${file} can't be written (${code === "" ? String(error) : code})`);
  } finally {
    await rm(draft, { force: true });
  }
}
