import type { Config } from "../../config/config.ts";
import { ConfigError } from "../../config/config-error.ts";
import { loadConfig } from "../../config/load.ts";
import { loadRegistration, type Registration } from "../../config/registration.ts";
import { bad, good } from "../../doctor/check.ts";
import { checkAll, forUser } from "../../doctor/check-all.ts";
import { CONFIG_CHECK, ROUNDTRIP_CHECK } from "../../doctor/checks.ts";
import { examine, type Patient } from "../../doctor/patient.ts";
import { inJson, inLines, isHealthy, type Result } from "../../doctor/report.ts";
import { holdRoundtrip } from "../../doctor/roundtrip.ts";
import { createHomeserverClient } from "../../homeserver/client.ts";
import { silentLogger } from "../../observability/log.ts";
import { packageFile } from "../../observability/package-file.ts";
import { providersOf } from "../../providers/providers.ts";
import { defineCommand } from "../command.ts";
import { readGivenFile } from "../given-file.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Checks everything and prints the findings with their remedies. It changes nothing, except that a round trip makes a
 * user and deactivates it. Returns 0 when nothing is wrong, 1 when something is, 2 when there is no configuration.
 * Throws UsageError.
 */
export const command = defineCommand({
  summary: "check everything, and show how to fix each fault",
  options: {
    json: { type: "boolean", meaning: "print the findings as JSON" },
    roundtrip: { type: "boolean", meaning: "also hold an encrypted conversation, as a temporary user" },
    "shared-secret-file": {
      type: "string",
      value: "FILE",
      meaning: "with --roundtrip: the file with Synapse's registration_shared_secret, which makes that user",
    },
    agent: {
      type: "string",
      value: "AGENT",
      meaning: "with --roundtrip: the agent to talk with (default: the first of the configuration)",
    },
  },
  async run({ config: file, json: isJson, roundtrip, "shared-secret-file": secretFile, agent }) {
    if (!roundtrip && agent !== undefined) throw new UsageError("--agent is for doctor --roundtrip only");
    const secret = await sharedSecret(roundtrip, secretFile);
    const { results, exitCode } = await lookOver(file, secret === undefined ? undefined : { secret, agent });
    process.stdout.write(`${isJson ? inJson(results) : inLines(results)}\n`);
    return exitCode;
  },
});

/** The findings; only those about the configuration where it is wrong. */
async function lookOver(
  file: string,
  roundtrip: { readonly secret: string; readonly agent: string | undefined } | undefined,
): Promise<{ readonly results: readonly Result[]; readonly exitCode: number }> {
  const files = await load(file);
  if (files instanceof ConfigError) {
    const mend = `correct it; ${packageFile("docs/configuration-reference.md")} describes every setting`;
    return { results: [{ check: CONFIG_CHECK, findings: [bad(oneLine(files.message), mend)] }], exitCode: 2 };
  }
  const { config, registration } = files;
  const client = createHomeserverClient({
    url: config.homeserver.url,
    ca: config.homeserver.ca,
    asToken: registration.asToken,
    log: silentLogger(),
  });
  try {
    const providers = await providersOf(config, silentLogger());
    const patient = await examine({ config, registration, client, providers });
    const wellFormed = good(`${file} and ${config.appservice.registration} are good`);
    const results: Result[] = [{ check: CONFIG_CHECK, findings: [wellFormed] }, ...(await checkAll(patient))];
    if (roundtrip !== undefined) {
      const finding = await holdRoundtrip(config, roundtrip.secret, agentsOf(patient), roundtrip.agent);
      results.push({ check: ROUNDTRIP_CHECK, findings: [forUser(finding, patient.user)] });
    }
    return { results, exitCode: isHealthy(results) ? 0 : 1 };
  } finally {
    await client.close();
  }
}

/** The user ids of the agents that the bridge has made; undefined where the database can't be read. */
function agentsOf({ database, config }: Patient): readonly string[] | undefined {
  const ghosts = database.kind === "read" ? database.records.state?.ghosts : undefined;
  const bot = `@${config.appservice.bot}:${config.homeserver.domain}`;
  return ghosts?.map(({ userId }) => userId).filter((userId) => userId !== bot);
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

async function sharedSecret(isRoundtrip: boolean, sharedSecretFile: string | undefined): Promise<string | undefined> {
  if (!isRoundtrip) {
    if (sharedSecretFile !== undefined) throw new UsageError("--shared-secret-file is for doctor --roundtrip only");
    return undefined;
  }
  if (sharedSecretFile === undefined) {
    throw new UsageError(
      "--roundtrip needs --shared-secret-file: Synapse's registration_shared_secret, which makes a user",
    );
  }
  const text = await readGivenFile(sharedSecretFile, 64 * 1024);
  if (text.trim() === "") throw new UsageError(`${sharedSecretFile} is empty`);
  return text.trim();
}

function oneLine(text: string): string {
  return text.replaceAll(/:\s*\n\s*/g, ": ").replaceAll(/\s*\n\s*/g, " · ");
}
