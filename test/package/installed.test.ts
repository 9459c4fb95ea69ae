import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { Synapse } from "../../quickstart/synapse.ts";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startBridge, type RunningBridge } from "../support/bridge.ts";
import { freePort } from "../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../support/homeserver.ts";
import {
  checkoutVersion,
  filesOfMessages,
  installPackage,
  namedFiles,
  type InstalledPackage,
} from "../support/installed-package.ts";
import { json, startModelServer, type ModelServer } from "../support/model-server.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { pdf } from "../support/pdf.ts";
import { createDatabase } from "../support/postgres.ts";
import { startProcess, type Process } from "../support/process.ts";
import { sharedPostgresUrl } from "../support/services.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { startUser, type Message, type User } from "../support/user.ts";

/** Half of what an installation took before the package was a bundle: 198 MB in 441 packages. */
const MOST = { bytes: 99_000_000, packages: 220 };

const MB = 1_000_000;

describe("the package, installed globally and offline", () => {
  let installed: InstalledPackage;
  let folder: string;
  let config: string;
  let synapse: Synapse;
  let ollama: OllamaServer;
  let media: ModelServer;
  let port: number;
  let bridge: RunningBridge | undefined;
  let alice: User | undefined;

  before(async () => {
    installed = await installPackage();
    // Not inside the checkout: a module that is missing would be found in its node_modules.
    folder = join(await temporaryDirectory("installed"), "agents");
    config = join(folder, "config.yaml");
    port = await freePort();
    [synapse, ollama, media] = await Promise.all([
      startHomeserver(),
      startOllamaServer(["llama3.2:3b"]),
      startModelServer(),
    ]);
  });
  after(async () => {
    await bridge?.stop();
    await alice?.stop();
    await synapse.stop();
    await ollama.close();
    await media.close();
  });

  async function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child: Process = await startProcess({ command: installed.program, args, env: installed.env, cwd: "/" });
    const { code } = await child.exited;
    return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") };
  }

  async function start(): Promise<void> {
    bridge = await startBridge({ config, program: installed.program, env: installed.env });
  }

  /** Asks an agent in a new encrypted chat; an own file may come before the words. */
  async function ask(agent: string, body: string, file?: Buffer): Promise<Message> {
    assert.ok(alice !== undefined);
    const userId = `@agent_${agent}:${DOMAIN}`;
    const roomId = await alice.createRoom({ direct: true, encrypted: true, invite: [userId] });
    await alice.waitMember(roomId, userId);
    const content = file && {
      msgtype: "m.file",
      body,
      filename: "map.pdf",
      url: await alice.upload(file, "application/pdf"),
    };
    const question = await (content === undefined ? alice.sendText({ roomId, body }) : alice.send(roomId, content));
    // The agent's welcome is no answer.
    const where = (message: Message): boolean => answeredEvent(message.content) === question;
    const answer = await alice.waitMessage({ roomId, sender: userId, where });
    assert.equal(answer.encrypted, true);
    return answer;
  }

  it("is at most half as large as it was", (test) => {
    const { packed, bytes, packages } = installed;
    const size = (count: number): string => `${(count / MB).toFixed(1)} MB`;
    test.diagnostic(`packed ${size(packed)}, installed ${size(bytes)} in ${packages} package(s)`);
    assert.ok(bytes > MB && bytes <= MOST.bytes, size(bytes));
    assert.ok(packages >= 1 && packages <= MOST.packages);
  });

  it("says its version and its help", async () => {
    assert.deepEqual(await run("--version"), { code: 0, stdout: await checkoutVersion(), stderr: "" });
    for (const args of [["help"], ["help", "doctor"], ["--help"]]) {
      const { code, stdout, stderr } = await run(...args);
      assert.deepEqual([code, stderr], [0, ""], args.join(" "));
      assert.match(stdout, /matrix-agents/);
    }
    const { code, stderr } = await run("check-config", "-c", config);
    assert.equal(code, 2);
    assert.match(stderr, /no such file/);
  });

  it("sets itself up", async () => {
    const { code, stdout, stderr } = await run(
      ...["init", "-c", config, "--yes", "--no-wait", "--homeserver", synapse.url, "--domain", DOMAIN],
      ...["--port", String(port), "--ollama", ollama.url],
    );
    assert.equal(code, 0, stdout + stderr);
    for (const name of ["config.yaml", "registration.yaml"]) await stat(join(folder, name));
    const directory = synapse.directory;
    await synapse.stop();
    synapse = await startHomeserver({
      directory,
      port: synapse.port,
      registrations: [join(folder, "registration.yaml")],
    });
  });

  it("names files that are there, in its settings and in its messages", async () => {
    const named = namedFiles(await readFile(config, "utf8"));
    assert.ok(named.length >= 3, named.join());
    for (const path of named) {
      assert.ok(path.startsWith(installed.folder), path);
      await stat(path);
    }
    for (const file of await filesOfMessages()) await stat(join(installed.folder, file));
    const spoilt = join(folder, "spoilt.yaml");
    await writeFile(spoilt, "a: 1\n");
    const { stdout } = await run("doctor", "-c", spoilt);
    const [page = ""] = namedFiles(stdout);
    assert.ok(page.endsWith("configuration-reference.md"), stdout);
    await stat(page);
  });

  it("holds an encrypted conversation, on the embedded database", async () => {
    await start();
    alice = await startUser({ kind: "js-sdk", synapse, localpart: "alice" });
    const answer = await ask("llama3.2-3b", "hello there");
    assert.equal(answer.body, "You said: hello there");
    assert.equal(answer.shield?.colour, "none");
    assert.doesNotMatch(bridge?.text() ?? "", /Deprecation|was refused/);
  });

  it("reads documents, in a program of its own", async () => {
    await ask("llama3.2-3b", "map.pdf", pdf("The treasure is under the oak."));
    const { messages } = ollama.chats().at(-1)?.body as { messages: { content: string }[] };
    assert.match(messages.at(-1)?.content ?? "", /The treasure is under the oak\./);
  });

  it("finds nothing wrong with itself", async () => {
    const { code, stdout, stderr } = await run("doctor", "-c", config);
    assert.equal(code, 0, stdout + stderr);
    assert.doesNotMatch(stdout, /✗/);
  });

  it("speaks OpenAI's and Anthropic's protocols, on PostgreSQL", async () => {
    await bridge?.stop();
    const settings = load(await readFile(config, "utf8")) as Record<string, object>;
    const agents = { gpt: { provider: "media", model: "gpt" }, claude: { provider: "claude", model: "claude" } };
    const next = {
      ...settings,
      database: { url: await createDatabase(sharedPostgresUrl()) },
      providers: {
        media: { type: "openai", url: `${media.url}/v1`, locality: "local" },
        claude: { type: "anthropic", url: media.url, locality: "local", api_key_env: "KEY" },
      },
      agents,
    };
    await writeFile(config, dump(next), { mode: 0o600 });
    // Refusals in each protocol's own form are enough to show that its client is there.
    const refusal = json({ type: "error", error: { type: "invalid_request_error", message: "no" } }, 400);
    for (const path of ["/v1/chat/completions", "/v1/messages"]) media.on(path, refusal);
    bridge = await startBridge({ config, program: installed.program, env: { ...installed.env, KEY: "k" } });
    for (const agent of Object.keys(agents)) assert.equal((await ask(agent, "hello")).content["msgtype"], "m.notice");
    const asked = media.requests.map(({ path }) => path);
    for (const path of ["/v1/chat/completions", "/v1/messages"]) assert.ok(asked.includes(path), path);
  });

  it("stops when it is told to", async () => {
    assert.deepEqual(await bridge?.stop(), { code: 0, signal: null });
  });
});
