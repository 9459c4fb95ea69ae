import { readFile } from "node:fs/promises";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration, type Registration } from "../config/registration.ts";
import { bad, good } from "../doctor/check.ts";
import { CHECKS, CONFIG_CHECK, ROUNDTRIP_CHECK } from "../doctor/checks.ts";
import { examine } from "../doctor/patient.ts";
import { inJson, inLines, isHealthy, type Result } from "../doctor/report.ts";
import { holdRoundtrip } from "../doctor/roundtrip.ts";
import { createHomeserverClient } from "../homeserver/client.ts";
import { silentLogger } from "../observability/log.ts";
import { providersOf } from "../providers/providers.ts";
import { UsageError } from "./usage-error.ts";

export interface DoctorOptions {
  readonly config: string;
  readonly isJson: boolean;
  /** Whether a real conversation is held. */
  readonly isRoundtrip: boolean;
  /** Holds Synapse's `registration_shared_secret`. */
  readonly sharedSecretFile?: string | undefined;
  /** The agent to talk with; by default the first of the configuration. */
  readonly agent?: string | undefined;
}

/**
 * Looks everything over and prints what it finds, with what mends it. Changes nothing, but that a round trip makes a user
 * and deactivates it again. Returns 0 when nothing is wrong, 1 when something is, 2 when there is no configuration to look
 * at. Throws UsageError.
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  const secret = await sharedSecret(options);
  const show = (results: readonly Result[]): void => {
    process.stdout.write(`${options.isJson ? inJson(results) : inLines(results)}\n`);
  };
  const files = await load(options.config);
  if (files instanceof ConfigError) {
    show([
      {
        check: CONFIG_CHECK,
        findings: [bad(oneLine(files.message), "correct it; docs/configuration.md describes every setting")],
      },
    ]);
    return 2;
  }
  const { config, registration } = files;
  const client = createHomeserverClient({
    url: config.homeserver.url,
    asToken: registration.asToken,
    log: silentLogger(),
  });
  try {
    const patient = await examine({ config, registration, client, providers: providersOf(config, silentLogger()) });
    const results: Result[] = [
      { check: CONFIG_CHECK, findings: [good(`${options.config} and ${config.appservice.registration} are good`)] },
    ];
    results.push(
      ...(await Promise.all(CHECKS.map(async (check) => ({ check: check.name, findings: await check.run(patient) })))),
    );
    if (secret !== undefined) {
      results.push({ check: ROUNDTRIP_CHECK, findings: [await holdRoundtrip(config, secret, options.agent)] });
    }
    show(results);
    return isHealthy(results) ? 0 : 1;
  } finally {
    await client.close();
  }
}

async function load(
  file: string,
): Promise<{ readonly config: Config; readonly registration: Registration } | ConfigError> {
  try {
    const config = await loadConfig(file);
    return { config, registration: await loadRegistration(config) };
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

async function sharedSecret({ isRoundtrip, sharedSecretFile }: DoctorOptions): Promise<string | undefined> {
  if (!isRoundtrip) {
    if (sharedSecretFile !== undefined) throw new UsageError("--shared-secret-file is for doctor --roundtrip only");
    return undefined;
  }
  if (sharedSecretFile === undefined) {
    throw new UsageError(
      "--roundtrip needs --shared-secret-file: Synapse's registration_shared_secret, to make a user by",
    );
  }
  const text = await readFile(sharedSecretFile, "utf8").catch(() => {
    throw new UsageError(`${sharedSecretFile} can't be read`);
  });
  if (text.trim() === "") throw new UsageError(`${sharedSecretFile} holds nothing`);
  return text.trim();
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " · ");
}
