#!/usr/bin/env node
import { parseArgs } from "node:util";
import { UsageError } from "./cli/usage-error.ts";
import { printError } from "./observability/described-error.ts";
import { READER_PROGRAM } from "./documents/reader-program.ts";
import { guardEgress } from "./egress/guard.ts";

/** What is said to a command line that is wrong: the whole of the help would bury why. */
const SHORT_USAGE = `Usage: matrix-agents <command> [options]; matrix-agents --help shows them all\n`;

const USAGE = `matrix-agents: AI models as end-to-end encrypted Matrix users on your own homeserver

Usage: matrix-agents <command> [options]

  init                   set up: config.yaml, registration.yaml, what to add to homeserver.yaml; then wait for its ping
  start                  run the application service
  generate-registration  write registration.yaml with fresh tokens, and say how to add it to Synapse
  doctor                 look everything over, and say what mends what is wrong
  check-config           check config.yaml and registration.yaml, and do nothing else
  health                 ask the bridge that runs here whether it is alive; --ready: whether it can take and answer messages
  mailbox                list the events that agents could not handle; mailbox retry ID… or all, mailbox drop ID… or all
  rooms                  rooms that count as encrypted for nothing but a message that came so; rooms unmark ROOM takes it back
  verify                 the emoji of verifications that wait for you; verify confirm ID, verify reject ID
  pull [PROVIDER] MODEL  have an Ollama server install a model
  privacy                per room: its agents, where their words go, who agreed to that, and what was sent
  backup FILE            write all of the database to one file, sealed with the master key
  restore FILE           fill an empty database with what is in such a file
  audit                  what matters for security: who joined, was refused, changed a setting, exported keys …
  fingerprints [AGENT]   the agents' keys as clients show them; for one agent as QR codes too
  keys backup [AGENT]    whether the agents' keys are kept on the homeserver
  keys recovery-key AGENT
                         the key that opens what is kept there; keep it where nobody else finds it
  keys new-device AGENT  a new device, signed by the same identity, with the keys of the backup
  keys restore AGENT     the identity and keys that a recovery key opens, when the master key was lost
  keys reset-identity AGENT
                         another identity: everybody has to verify the agent anew; says whom it hurts
  keys export AGENT FILE, keys import AGENT FILE
                         room keys to or from a file that clients read, with a passphrase
  keys seal-existing     seal what a version from before words were sealed has left in the database
  keys rotate-master     another master key in the place of the present one, while the bridge runs
  help                   show this

Options:
  -c, --config FILE      the configuration (default: config.yaml)
  --version              print the version

init:
  --homeserver URL       where this machine reaches the homeserver
  --domain NAME          the server name, the part of user ids after the colon
  --url URL              where the homeserver reaches the bridge (default: http://<bind>:<port>)
  --bind ADDRESS, --port NUMBER
                         where the bridge listens (default: 127.0.0.1, 9993)
  --ollama URL           an Ollama whose models become agents (default: one that answers on this machine)
  --yes                  ask nothing, take defaults
  --no-wait              do not wait for the homeserver's ping

doctor:
  --json                 what was found, for programs
  --roundtrip            hold an encrypted conversation too, as a user who is made for it
  --shared-secret-file FILE
                         holds Synapse's registration_shared_secret, to make that user by
  --agent NAME           the agent to talk with (default: the first of the configuration)

start:
  --insecure-permissions start though other users of this machine can read or change secrets

health:
  --ready                can it take and answer messages? exit code 1 and why, when not

keys:
  --yes                  keys reset-identity, keys seal-existing, rooms unmark: yes, do it
  --new-key-env NAME     keys rotate-master, with the key in the environment: holds the new one
  --secret-file FILE     holds the recovery key or passphrase; - is standard input (default: it is asked for)

restore:
  --new-devices          give every agent a new device, signed by the same identity; needed when theirs were used since
  --force                restore in place of what the database holds, which is lost

audit:
  --since WHEN           from a date (2026-05-31) or so long ago (12h, 7d)
  --verify               tell whether a row was changed or is missing, and show the head of the log
  --head HEAD            with --verify: a head that was shown before, and kept elsewhere
  --json                 for programs: a JSON object a line

generate-registration:
  -o, --output FILE      where to write (default: appservice.registration of the configuration)
  --url URL              where the homeserver reaches the bridge (default: http://<bind>:<port>)
  --force                overwrite an existing file: its tokens are lost, Synapse needs the new ones
`;

/** The options that are not for every command, with those they are for as people are told. */
const OPTIONS_OF = [
  { options: ["output"], commands: ["generate-registration"], told: "generate-registration" },
  { options: ["force"], commands: ["generate-registration", "restore"], told: "generate-registration and restore" },
  { options: ["new-devices"], commands: ["restore"], told: "restore" },
  { options: ["url"], commands: ["generate-registration", "init"], told: "generate-registration and init" },
  { options: ["homeserver", "domain", "bind", "port", "ollama", "no-wait"], commands: ["init"], told: "init" },
  { options: ["roundtrip", "shared-secret-file", "agent"], commands: ["doctor"], told: "doctor" },
  { options: ["json"], commands: ["audit", "doctor"], told: "audit and doctor" },
  { options: ["secret-file"], commands: ["keys"], told: "keys" },
  { options: ["new-key-env"], commands: ["keys"], told: "keys rotate-master" },
  {
    options: ["yes"],
    commands: ["keys", "init", "rooms"],
    told: "keys reset-identity, keys seal-existing, rooms unmark and init",
  },
  { options: ["insecure-permissions"], commands: ["start"], told: "start" },
  { options: ["ready"], commands: ["health"], told: "health" },
  { options: ["since", "verify", "head"], commands: ["audit"], told: "audit" },
] as const;

/** The commands that are followed by something. */
const WITH_ARGUMENTS: ReadonlySet<string> = new Set([
  "mailbox",
  "pull",
  "fingerprints",
  "keys",
  "rooms",
  "verify",
  "backup",
  "restore",
]);

/** What a command is given. */
export interface CommandOptions {
  readonly config: string;
  /** What follows the command. */
  readonly args: readonly string[];
  readonly output?: string | undefined;
  readonly url?: string | undefined;
  readonly secretFile?: string | undefined;
  readonly isSure?: boolean;
  readonly newKeyEnv?: string | undefined;
  readonly ready: boolean;
  readonly since?: string | undefined;
  readonly verify?: boolean;
  readonly head?: string | undefined;
  readonly json?: boolean;
  readonly newDevices?: boolean;
  readonly force: boolean;
  readonly insecurePermissions: boolean;
  readonly homeserver?: string | undefined;
  readonly domain?: string | undefined;
  readonly bind?: string | undefined;
  readonly port?: string | undefined;
  readonly ollama?: string | undefined;
  readonly noWait: boolean;
  readonly isRoundtrip: boolean;
  readonly sharedSecretFile?: string | undefined;
  readonly agent?: string | undefined;
}

/** Before anything else is loaded: what is loaded then can reach nothing until the configuration says what. */
async function startShutIn(options: CommandOptions): Promise<number> {
  const guard = guardEgress(READER_PROGRAM);
  return (await import("./cli/start.ts")).start(options, guard);
}

async function main(argv: readonly string[]): Promise<number> {
  const { command, options } = parse(argv);
  switch (command) {
    case "help":
      process.stdout.write(USAGE);
      return 0;
    case "version":
      return (await import("./cli/version.ts")).version();
    case "init":
      return (await import("./cli/init.ts")).init(options);
    case "start":
      return startShutIn(options);
    case "generate-registration":
      return (await import("./cli/generate-registration.ts")).generateRegistration(options);
    case "doctor":
      return (await import("./cli/doctor.ts")).doctor({ ...options, isJson: options.json === true });
    case "check-config":
      return (await import("./cli/check-config.ts")).checkConfig(options);
    case "health":
      return (await import("./cli/health.ts")).health(options);
    case "mailbox":
      return (await import("./cli/mailbox.ts")).mailbox(options);
    case "rooms":
      return (await import("./cli/rooms.ts")).rooms(options);
    case "verify":
      return (await import("./cli/verify.ts")).verify(options);
    case "pull":
      return (await import("./cli/pull.ts")).pull(options);
    case "privacy":
      return (await import("./cli/privacy.ts")).privacy(options);
    case "backup":
      return (await import("./cli/backup.ts")).backup(options);
    case "restore":
      return (await import("./cli/restore.ts")).restore(options);
    case "audit":
      return (await import("./cli/audit.ts")).audit(options);
    case "fingerprints":
      return (await import("./cli/fingerprints.ts")).fingerprints(options);
    case "keys":
      return (await import("./cli/keys.ts")).keys(options);
    case undefined:
      throw new UsageError("no command given");
    default:
      throw new UsageError(`there is no command "${command}"`);
  }
}

function parse(argv: readonly string[]): { command: string | undefined; options: CommandOptions } {
  const { values, positionals } = parseOptions(argv);
  const [name, ...rest] = positionals;
  if (rest.length > 0 && !WITH_ARGUMENTS.has(name ?? ""))
    throw new UsageError(`one command at a time, please: ${positionals.join(" ")}`);
  const command = values.help ? "help" : values.version ? "version" : name;
  for (const { options, commands, told } of OPTIONS_OF) {
    if (command === "help" || commands.some((name) => name === command)) continue;
    const misplaced = options.find((name) => values[name] !== undefined && values[name] !== false);
    if (misplaced !== undefined) throw new UsageError(`--${misplaced} is for ${told} only`);
  }
  const { config, output, url, force, yes: isSure, "secret-file": secretFile, "new-key-env": newKeyEnv } = values;
  const { "insecure-permissions": insecurePermissions, "no-wait": noWait, ready } = values;
  const { homeserver, domain, bind, port, ollama, roundtrip: isRoundtrip, agent } = values;
  const { "shared-secret-file": sharedSecretFile } = values;
  const { since, verify, head, json, "new-devices": newDevices } = values;
  return {
    command,
    options: {
      config,
      args: rest,
      output,
      url,
      secretFile,
      newKeyEnv,
      isSure,
      ready,
      since,
      verify,
      head,
      json,
      newDevices,
      force,
      insecurePermissions,
      homeserver,
      domain,
      bind,
      port,
      ollama,
      noWait,
      isRoundtrip,
      sharedSecretFile,
      agent,
    },
  };
}

function parseOptions(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        config: { type: "string", short: "c", default: "config.yaml" },
        output: { type: "string", short: "o" },
        url: { type: "string" },
        "secret-file": { type: "string" },
        "new-key-env": { type: "string" },
        yes: { type: "boolean", default: false },
        since: { type: "string" },
        verify: { type: "boolean", default: false },
        head: { type: "string" },
        "new-devices": { type: "boolean", default: false },
        force: { type: "boolean", default: false },
        homeserver: { type: "string" },
        domain: { type: "string" },
        bind: { type: "string" },
        port: { type: "string" },
        ollama: { type: "string" },
        "no-wait": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        roundtrip: { type: "boolean", default: false },
        "shared-secret-file": { type: "string" },
        agent: { type: "string" },
        "insecure-permissions": { type: "boolean", default: false },
        ready: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

// Whoever reads has enough of it (`| head`): no more is written, and nothing is wrong.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // Errors that were made for a person carry their exit code; anything else is a fault of ours and shows where.
  if (error instanceof UsageError) {
    process.stderr.write(`matrix-agents: ${error.message}\n${SHORT_USAGE}`);
    process.exitCode = error.exitCode;
  } else if (error instanceof Error && "exitCode" in error && typeof error.exitCode === "number") {
    process.stderr.write(`matrix-agents: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`matrix-agents: ${printError(error)}\n`);
    process.exitCode = 1;
  }
}
