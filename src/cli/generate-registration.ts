import { randomUUID } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { dump } from "js-yaml";
import { FORMATS } from "../config/formats.ts";
import { loadConfig } from "../config/load.ts";
import { makeRegistration } from "../config/registration.ts";
import { UsageError } from "./usage-error.ts";

/** The registration was not written: it is there already, or its folder can't be written. */
class NotWritten extends Error {
  override readonly name = "NotWritten";
  readonly exitCode = 2;
}

/**
 * Writes a registration with fresh random tokens, mode 0600, whole or not at all, and prints the lines to add to
 * homeserver.yaml. Throws ConfigError, {@link UsageError}, or {@link NotWritten}, as when the file exists and `force` is
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
  await writeSecret(file, text, options.force);
  process.stdout.write(instructions(file));
  if (file !== expectedFile) {
    process.stdout.write(`\nThe bridge itself reads ${expectedFile}: copy it there, or set appservice.registration.\n`);
  }
  return 0;
}

/** Where a homeserver on this machine reaches what listens on `bind`. */
function localUrl(bind: string, port: number): string {
  if (bind === "0.0.0.0" || bind === "::") return `http://127.0.0.1:${port}`;
  return `http://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

function instructions(file: string): string {
  return `Wrote ${file}.

Add it to Synapse's homeserver.yaml, under a path where Synapse can read it, and restart Synapse:

app_service_config_files:
  - ${JSON.stringify(file)}

That is all it needs. Optional: with these lines agents react sooner to what has no message, such as a verification:

experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
`;
}

async function writeSecret(file: string, text: string, force: boolean): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    // Unlike rename, link refuses where something stands already.
    if (force) await rename(draft, file);
    else await link(draft, file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new NotWritten(
      code === "EEXIST"
        ? `${file} exists already and is left as it is; --force overwrites it, and Synapse then needs the new file too`
        : `${file} can't be written (${code})`,
      { cause: error },
    );
  } finally {
    await rm(draft, { force: true });
  }
}
