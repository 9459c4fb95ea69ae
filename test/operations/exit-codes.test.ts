import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { format, resolveConfig } from "prettier";
import { table } from "../../docs/generate/table.ts";
import { COMMANDS } from "../../src/cli/command-list.ts";
import type { CommandResult } from "../support/command.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { inCheckout } from "../support/paths.ts";
import { temporaryDirectory } from "../support/temporary.ts";

/** The page that this test makes: `WRITE_EXIT_CODES=1 npm run test:operations -- exit-codes` writes it anew. */
const PAGE = inCheckout("docs/exit-codes.md");

const DATABASES = ["embedded", "postgres"] as const;
const STATES = ["running", "stopped", "starting"] as const;
type Kind = (typeof DATABASES)[number];
type State = (typeof STATES)[number];

/** Files and secrets that commands need in a state. */
interface Given {
  /** A folder for files that a command writes. */
  readonly folder: string;
  /** A backup of the database, made just before. */
  readonly backup: string;
  readonly exported: string;
  readonly recoveryKey: string;
  /** The same configuration with the page switched off. */
  readonly pageOff: string;
}

interface Case {
  /** The command with its verbs; by default the case's name. */
  readonly command?: string;
  /** By default the deployment's. */
  readonly config?: (given: Given) => string;
  readonly args: (given: Given) => readonly string[];
  readonly input?: (given: Given) => string;
  /** Whether its words are a secret. */
  readonly isSecret?: boolean;
}

const PASSPHRASE = "correct horse battery staple";

/** One safe use of each command, or more where its end depends on them; those that change most come last. */
const CASES: Readonly<Record<string, Case>> = {
  init: { args: () => ["--yes", "--no-wait"] },
  "generate-registration": { args: () => [] },
  doctor: { args: () => [] },
  "check-config": { args: () => [] },
  completion: { args: () => ["bash"] },
  reload: { args: () => [] },
  health: { args: () => ["--ready"] },
  mailbox: { args: () => [] },
  rooms: { args: () => [] },
  pause: { args: () => ["demo"] },
  resume: { args: () => ["demo"] },
  adopt: { args: () => ["demo"] },
  verify: { args: () => [] },
  pull: { args: () => ["llama3.2"] },
  tools: { args: () => [] },
  privacy: { args: () => [] },
  web: { args: () => [] },
  "web, switched off": { command: "web", args: () => [], config: ({ pageOff }) => pageOff },
  "web login": { args: () => [], isSecret: true },
  "web login, switched off": { command: "web login", args: () => [], config: ({ pageOff }) => pageOff },
  backup: { args: ({ folder }) => [join(folder, "backup")] },
  restore: { args: ({ backup }) => [backup] },
  audit: { args: () => ["--verify"] },
  fingerprints: { args: () => ["demo"] },
  "keys backup": { args: () => ["demo"] },
  "keys recovery-key": { args: () => ["demo"], isSecret: true },
  "keys export": { args: ({ folder }) => ["demo", join(folder, "exported")], input: () => PASSPHRASE },
  "keys import": { args: ({ exported }) => ["demo", exported], input: () => PASSPHRASE },
  "keys reset-identity": { args: () => ["demo"] },
  "keys seal-existing": { args: () => [] },
  "keys new-device": { args: () => ["demo"] },
  "keys restore": { args: () => ["demo"], input: ({ recoveryKey }) => recoveryKey },
  "keys rotate-master": { args: () => [] },
  start: { args: () => [] },
};

/** The names of a command's cases. */
function casesOf(command: string): string[] {
  return Object.keys(CASES).filter((name) => commandOf(name) === command);
}

function commandOf(name: string): string {
  const words = CASES[name]?.command ?? name;
  return Object.hasOwn(COMMANDS, words) ? words : words.slice(0, words.lastIndexOf(" "));
}

/** Those that ask nothing of the database, or need it to themselves: they wait for no bridge. */
const UNWAITING: ReadonlySet<string> = new Set([
  "init",
  "start",
  "generate-registration",
  "doctor",
  "check-config",
  "completion",
  "reload",
  "health",
  "tools",
  "restore",
  "keys rotate-master",
]);

/** A command that was begun. */
interface Begun {
  readonly name: string;
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
  readonly stderr: () => string;
}

function begin(name: string, config: string, given: Given): Begun {
  const { command = name, args, input, config: file } = CASES[name] ?? assert.fail(`no case for ${name}`);
  const child = spawn(process.execPath, [
    inCheckout("src/main.js"),
    ...command.split(" "),
    ...args(given),
    ...(input === undefined ? [] : ["--secret-file", "-"]),
    "-c",
    file?.(given) ?? config,
  ]);
  child.stdin.end(input?.(given) ?? "");
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const result = (once(child, "close") as Promise<[number | null]>).then(([code]) => ({ code, stdout, stderr }));
  return { name, child, result, stderr: () => stderr };
}

/** A start runs on: it is stopped when it is ready. */
async function startAndStop(config: string, given: Given): Promise<CommandResult> {
  const begun = begin("start", config, given);
  const isReady = (): boolean => begun.child.exitCode !== null || begun.stderr().includes('"msg":"ready"');
  await eventually("the start to be ready, or to end", isReady, { timeoutMs: 60_000 });
  begun.child.kill("SIGTERM");
  const { code } = await begun.result;
  const said = begun
    .stderr()
    .split("\n")
    .filter((line) => !line.startsWith("{"));
  return { code, stdout: code === 0 ? "runs until it is stopped" : "", stderr: said.join("\n") };
}

/** It undoes what another of these does, and is asked after that one, while the bridge goes on with its start. */
const AFTER_OTHERS = "resume";

/** A command says so when it waits for a bridge that is starting. */
const WAITS = "waiting for the bridge";

/** Output that no person should see. */
const RAW = /^ {4}at |\bwasm\b|\berrno\b|\b[A-Z]\w+Error\b|\[object |\bundefined\b|\bNaN\b/m;

/** Its exit code, and the first words of what it says, without what changes by itself. */
function cellOf(name: string, { code, stdout, stderr }: CommandResult): string {
  assert.doesNotMatch(`${stdout}\n${stderr}`, RAW, name);
  const said = stderr.split("\n").filter((line) => !line.includes(WAITS));
  const lines = (code === 0 ? stdout : `${said.join("\n")}\n${stdout}`).split("\n");
  const first = lines.find((line) => line.startsWith("✗")) ?? lines.find((line) => line.trim() !== "") ?? "";
  assert.notEqual(`${stdout}${stderr}`.trim(), "", `${name} says nothing`);
  if (CASES[name]?.isSecret === true && code === 0) return `${code}: …`;
  const words = first
    .replace(/^matrix-agents: /, "")
    .split(/\s+/)
    .map(lasting)
    .slice(0, 12)
    .join(" ")
    .replace(/(… )+…/g, "…");
  return `${code}: ${words}`;
}

/** A word, or … in place of one that differs from place to place. */
function lasting(word: string): string {
  if (!/[\d/@!$]|^[A-Z]{8,}/.test(word)) return word.length > 40 ? `${word.slice(0, 20)}…` : word;
  return `…${/[).,:;]*$/.exec(word)?.[0] ?? ""}`;
}

describe("the exit codes of every command", () => {
  const cells = new Map<string, string>();
  const key = (name: string, kind: Kind, state: State): string => [name, kind, state].join("|");

  it("are looked at for every command that there is", () => {
    assert.deepEqual([...new Set(Object.keys(CASES).map(commandOf))].sort(), Object.keys(COMMANDS).sort());
  });

  for (const kind of DATABASES) {
    describe(`with the database ${kind}`, () => {
      let deployment: Deployment;
      let ollama: OllamaServer;
      let exported: string;
      let recoveryKey: string;

      before(async () => {
        ollama = await startOllamaServer();
        deployment = await startDeployment({
          database: kind,
          providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url } },
          extraConfig: {
            encryption: { verification: "operator" },
            monitoring: { enabled: true, port: await freePort() },
            leases: { expire_after: "3s" },
            web: { enabled: true, port: await freePort() },
          },
        });
        const alice = await deployment.user("js-sdk", "alice");
        const agent = deployment.agent("demo");
        const roomId = await alice.createRoom({ direct: true, invite: [agent] });
        await alice.waitMember(roomId, agent);
        const question = await alice.sendText({ roomId, body: "good morning" });
        await alice.waitMessage({ roomId, sender: agent, after: question });
        await eventually("the agent's keys to be backed up", async () =>
          /demo.*[1-9]\d* room keys? in backup/.test((await deployment.command(["keys", "backup", "demo"])).stdout),
        );
        exported = join(await temporaryDirectory("exported"), "keys");
        await done(["keys", "export", "demo", exported, "--secret-file", "-"], PASSPHRASE);
        recoveryKey = (await done(["keys", "recovery-key", "demo"])).stdout;
      });
      after(async () => {
        await deployment.stop();
        await ollama[Symbol.asyncDispose]();
      });

      async function done(args: readonly string[], input?: string): Promise<CommandResult> {
        const result = await deployment.command(args, input);
        assert.equal(result.code, 0, `${args.join(" ")}: ${result.stderr}`);
        return result;
      }

      async function given(): Promise<Given> {
        const folder = await temporaryDirectory("given");
        const backup = join(folder, "earlier");
        await done(["backup", backup]);
        // Paths in it are meant from its own folder.
        const pageOff = join(deployment.settings.directory, "page-off.yaml");
        const settings = load(await readFile(deployment.files.config, "utf8")) as object;
        await writeFile(pageOff, dump({ ...settings, web: { enabled: false } }), { mode: 0o600 });
        return { folder, backup, exported, recoveryKey, pageOff };
      }

      function note(name: string, state: State, result: CommandResult): void {
        cells.set(key(name, kind, state), cellOf(name, result));
      }

      for (const state of ["running", "stopped"] as const) {
        it(`while the bridge is ${state}`, async () => {
          const things = await given();
          if (state === "stopped") await deployment.stopBridge();
          for (const name of Object.keys(CASES)) {
            const { config } = deployment.files;
            if (name === "start") note(name, state, await startAndStop(config, things));
            else note(name, state, await begin(name, config, things).result);
          }
        });
      }

      it("while the bridge is starting", async () => {
        const things = await given();
        const { config } = deployment.files;
        const bridge = spawn(process.execPath, [inCheckout("src/main.js"), "start", "-c", config], { stdio: "ignore" });
        const exited = once(bridge, "exit");
        // It holds the database, or has not come to it.
        if (kind === "embedded") {
          const data = join(deployment.settings.directory, "data");
          const isTaken = async (): Promise<boolean> => (await readdir(data)).includes("matrix-agents.lock");
          await eventually("the start to take its data", isTaken, { intervalMs: 1 });
        }
        bridge.kill("SIGSTOP");
        try {
          for (const name of Object.keys(CASES).filter((each) => UNWAITING.has(each))) {
            const isStart = name === "start";
            note(name, "starting", await (isStart ? startAndStop(config, things) : begin(name, config, things).result));
          }
          const begun = Object.keys(CASES)
            .filter((name) => !UNWAITING.has(name) && name !== AFTER_OTHERS)
            .map((name) => begin(name, config, things));
          await Promise.all(
            begun.map(({ child, stderr }) =>
              eventually("it to end or to wait", () => child.exitCode !== null || stderr().includes(WAITS), {
                timeoutMs: 50_000,
              }),
            ),
          );
          bridge.kill("SIGCONT");
          for (const { name, result } of begun) note(name, "starting", await result);
          note(AFTER_OTHERS, "starting", await begin(AFTER_OTHERS, config, things).result);
        } finally {
          bridge.kill("SIGCONT");
          bridge.kill("SIGTERM");
          await exited;
        }
      });
    });
  }

  it("are those of docs/exit-codes.md (WRITE_EXIT_CODES=1 writes it anew)", async () => {
    const sections = DATABASES.map((kind) => {
      const rows = Object.keys(COMMANDS)
        .flatMap(casesOf)
        .map((name) => [
          name.replace(/^[^,]+/, "`$&`"),
          ...STATES.map(
            (state) => cells.get(key(name, kind, state)) ?? assert.fail(`no cell for ${name}, ${kind}, ${state}`),
          ),
        ]);
      const title = kind === "embedded" ? "With the embedded database" : "With PostgreSQL";
      return `## ${title}\n\n${table(["command", ...STATES.map((state) => `the bridge is ${state}`)], rows)}`;
    });
    const page = `# Exit codes

<!-- Made by test/operations/exit-codes.test.ts; WRITE_EXIT_CODES=1 npm run test:operations -- exit-codes writes it anew. -->

The end of every command in each state of the bridge, as a test sees it on a real homeserver: the exit code, and the first words of the
output; … stands for words that differ from place to place. 0 is success, 1 an obstacle outside of the command, such as a file that
the system refuses, 2 a wrong command line, wrong settings or a wrong key ([which errors there are](troubleshooting.md#it-does-not-start)). “Starting” is a bridge that has begun and takes no commands yet, held there by
the test. With the embedded database most commands wait for it. Each command is run once, as simply as it can be ([the command lines](../test/operations/exit-codes.test.ts)),
with \`monitoring.enabled: true\`, which \`health\` needs, \`web.enabled: true\`, except where the page is “switched off”, and \`encryption.verification: operator\`.

${sections.join("\n\n")}
`;
    const made = await format(page, { ...(await resolveConfig(PAGE)), parser: "markdown" });
    if (process.env["WRITE_EXIT_CODES"] === "1") await writeFile(PAGE, made);
    assert.equal(await readFile(PAGE, "utf8"), made);
  });
});
