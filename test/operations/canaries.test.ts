import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { dumpDatabase, tracesOf } from "../support/dump.ts";
import { encryptFile } from "../support/encrypted-file.ts";
import { freePort } from "../support/free-port.ts";
import { json, startModelServer, type ModelServer } from "../support/model-server.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { User } from "../support/user.ts";

/** A word that occurs nowhere else, in a text of its own. */
const canary = (name: string): string => `canary${name}${randomBytes(6).toString("hex")}`;

/** The words in each of two rooms, one of them encrypted. */
const SAID = [
  "message",
  "edited",
  "thread",
  "file",
  "filename",
  "reaction",
  "system",
  "remembered",
  "unknown",
] as const;

describe("an admin's view of conversations", () => {
  const words = new Map<string, string>();
  const secrets = new Map<string, string>();
  let ollama: OllamaServer;
  let rude: ModelServer;
  let deployment: Deployment;
  let alice: User;
  let monitoring: string;
  let metrics: string;
  let ready: { status: number; body: unknown };
  let dump: ReadonlyMap<string, string>;

  /** A new word that the test looks for. */
  function word(name: string): string {
    const made = canary(name);
    words.set(name, made);
    return made;
  }

  before(async () => {
    const key = `sk-${randomBytes(12).toString("hex")}`;
    const keyFile = join(await temporaryDirectory("key"), "key");
    await writeFile(keyFile, key, { mode: 0o600 });
    secrets.set("provider's key", key);
    const answer = word("answer");
    const broken = word("broken");
    ollama = await startOllamaServer();
    ollama.install("llama3.2", { answer: () => answer });
    ollama.install("broken", {
      fault: { kind: "error", atToken: 1, error: `error parsing tool call: raw='${broken}'` },
    });
    rude = await startModelServer();
    rude.on("/v1/chat/completions", ({ text }) =>
      json({ error: { message: `Incorrect API key: ${key}. You said: ${text}`, type: "invalid_request_error" } }, 401),
    );
    const port = await freePort();
    monitoring = `http://127.0.0.1:${port}`;
    deployment = await prepareDeployment({
      database: "postgres",
      providers: {
        ollama: { type: "ollama", url: ollama.url },
        rude: { type: "openai", url: `${rude.url}/v1`, api_key_file: keyFile },
      },
      agents: {
        llama: { provider: "ollama", model: "llama3.2" },
        broken: { provider: "ollama", model: "broken" },
        rude: { provider: "rude", model: "rude" },
      },
      extraConfig: { monitoring: { enabled: true, port } },
    });
    await deployment.startBridge();
    alice = await deployment.user("js-sdk", "alice");
    for (const encrypted of [true, false]) await talk(encrypted);
    await sendMalformed(word("malformed"));
    ready = await readiness();
    metrics = await (await fetch(`${monitoring}/metrics`)).text();
    const recovery = await deployment.command(["keys", "recovery-key", "llama"]);
    assert.equal(recovery.code, 0, recovery.stderr);
    const [recoveryKey = ""] = /\b(?:\w{4} ){11}\w{4}\b/.exec(recovery.stdout) ?? [];
    assert.notEqual(recoveryKey, "");
    await deployment.stopBridge();
    const database = deployment.settings.database ?? "";
    dump = await dumpDatabase(database);
    const masterKey = await readFile(join(deployment.settings.directory, "data", "master.key"), "utf8");
    for (const [name, secret] of [
      ["as_token", deployment.files.asToken],
      ["hs_token", deployment.files.hsToken],
      ["master key", masterKey.trim()],
      ["recovery key", recoveryKey],
      ["recovery key without blanks", recoveryKey.replaceAll(" ", "")],
      ["database's password", new URL(database).password],
    ] as const) {
      secrets.set(name, secret);
    }
  });
  after(async () => {
    await deployment.stop();
    await Promise.all([ollama.close(), rude.close()]);
  });

  /** Every kind of message to an agent, and every failure, in one room each. */
  async function talk(encrypted: boolean): Promise<void> {
    const kind = encrypted ? "sealed" : "clear";
    const own = Object.fromEntries(SAID.map((name) => [name, word(`${kind}${name}`)])) as Record<
      (typeof SAID)[number],
      string
    >;
    const agent = deployment.agent("llama");
    const roomId = await alice.createRoom({ direct: true, encrypted, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const answered = async (question: string, sender = agent, room = roomId): Promise<string> =>
      (await alice.waitMessage({ roomId: room, sender, after: question })).eventId;
    for (const command of [`!system Be kind. ${own.system}`, `!remember ${own.remembered}`, `!${own.unknown}`]) {
      await answered(await alice.sendText({ roomId, body: command }));
    }
    const question = await alice.sendText({ roomId, body: `Hello ${own.message}` });
    const reply = await answered(question);
    await alice.react(roomId, reply, own.reaction);
    await alice.edit(roomId, question, `Hello again ${own.edited}`);
    await answered(
      await alice.send(roomId, {
        msgtype: "m.text",
        body: own.thread,
        "m.relates_to": { rel_type: "m.thread", event_id: question },
      }),
    );
    const bytes = Buffer.from(`A text of ${own.file}`);
    const file = await upload(bytes, encrypted);
    const info = { mimetype: "text/plain", size: bytes.length };
    await answered(await alice.send(roomId, { msgtype: "m.file", body: `${own.filename}.txt`, info, ...file }));
    if (encrypted) await sendInClear(roomId, word("setaside"));

    for (const name of ["broken", "rude"]) {
      const failing = deployment.agent(name);
      const room = await alice.createRoom({ direct: true, encrypted, invite: [failing] });
      await alice.waitMember(room, failing);
      await answered(await alice.sendText({ roomId: room, body: word(`${kind}${name}`) }), failing, room);
    }
  }

  async function upload(bytes: Uint8Array, encrypted: boolean): Promise<object> {
    if (!encrypted) return { url: await alice.upload(bytes, "text/plain") };
    const sealed = encryptFile(bytes);
    return { file: { ...sealed.info, url: await alice.upload(sealed.bytes, "application/octet-stream") } };
  }

  /** An unencrypted message in an encrypted room is not acted on, and is kept for inspection. */
  async function sendInClear(roomId: string, body: string): Promise<void> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${randomBytes(4).toString("hex")}`;
    const { event_id: event } = await alice.request<{ event_id: string }>("PUT", path, { msgtype: "m.text", body });
    await alice.waitMessage({ roomId, sender: deployment.agent("llama"), after: event });
  }

  /** No homeserver does this: an event without a type. */
  async function sendMalformed(body: string): Promise<void> {
    const { port } = deployment.settings;
    const response = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/malformed`, {
      method: "PUT",
      headers: { authorization: `Bearer ${deployment.files.hsToken}` },
      body: JSON.stringify({
        events: [{ event_id: "$malformed", room_id: "!a:b", sender: "@a:b", content: { body } }],
      }),
    });
    assert.equal(response.status, 200);
  }

  async function readiness(): Promise<typeof ready> {
    const response = await fetch(`${monitoring}/ready`);
    return { status: response.status, body: await response.json() };
  }

  function assertAbsent(sought: ReadonlyMap<string, string>, where: string, text: string): void {
    for (const [name, secret] of sought) {
      for (const trace of tracesOf(secret)) assert.ok(!text.includes(trace), `the ${name} stands in ${where}`);
    }
  }

  it("shows whether the process is ready", () => {
    assert.deepEqual(ready.body, {
      ready: true,
      checks: {
        process: "ok",
        listening: "ok",
        lease: "ok",
        database: "ok",
        homeserver: "ok",
        reached: "ok",
        providers: "ok",
      },
    });
    assert.equal(ready.status, 200);
  });

  it("shows amounts of each kind, by agent and provider", () => {
    for (const line of [
      /^matrix_agents_build_info\{version="[\d.]+[^"]*",node="v24[^"]*"\} 1$/m,
      /^matrix_agents_appservice_request_duration_seconds_count\{endpoint="transactions",status="200"\} [1-9]/m,
      /^matrix_agents_events_total\{outcome="stored"\} [1-9]/m,
      /^matrix_agents_events_total\{outcome="malformed"\} 1$/m,
      /^matrix_agents_mail_total\{outcome="handled"\} [1-9]/m,
      /^matrix_agents_mail_total\{outcome="set_aside"\} 1$/m,
      /^matrix_agents_mailbox_items\{state="set_aside"\} 1$/m,
      /^matrix_agents_mailbox_oldest_ready_seconds \d/m,
      /^matrix_agents_malformed_parts 1$/m,
      /^matrix_agents_decryptions_total\{outcome="decrypted"\} [1-9]/m,
      /^matrix_agents_turns_total\{agent="llama",outcome="answered"\} [1-9]/m,
      /^matrix_agents_turns_total\{agent="rude",outcome="failed"\} 2$/m,
      /^matrix_agents_turn_failures_total\{failure="refused"\} 4$/m,
      /^matrix_agents_turn_wait_seconds_count\{agent="llama"\} [1-9]/m,
      /^matrix_agents_turn_duration_seconds_count\{agent="llama"\} [1-9]/m,
      /^matrix_agents_turn_tokens_total\{agent="llama",kind="answer"\} [1-9]/m,
      /^matrix_agents_turns_open\{state="queued"\} 0$/m,
      /^matrix_agents_provider_requests_total\{provider="ollama",kind="chat",outcome="answered"\} [1-9]/m,
      /^matrix_agents_provider_requests_total\{provider="rude",kind="chat",outcome="refused"\} 2$/m,
      /^matrix_agents_provider_first_token_seconds_count\{provider="ollama"\} [1-9]/m,
      /^matrix_agents_provider_answer_seconds_count\{provider="ollama"\} [1-9]/m,
      /^matrix_agents_provider_tokens_total\{provider="ollama",kind="prompt"\} [1-9]/m,
      /^matrix_agents_provider_paused\{provider="ollama"\} 0$/m,
      /^matrix_agents_provider_waiting\{provider="ollama"\} 0$/m,
      /^matrix_agents_sends_total\{encrypted="yes",outcome="sent"\} [1-9]/m,
      /^matrix_agents_sends_total\{encrypted="no",outcome="sent"\} [1-9]/m,
      /^matrix_agents_sends_pending 0$/m,
      /^matrix_agents_homeserver_request_duration_seconds_count\{endpoint="send",outcome="ok"\} [1-9]/m,
      /^matrix_agents_homeserver_request_duration_seconds_count\{endpoint="sync",outcome="ok"\} [1-9]/m,
      /^matrix_agents_ghosts_loaded 3$/m,
      /^matrix_agents_leases_held 3$/m,
      /^matrix_agents_processes 1$/m,
      /^matrix_agents_one_time_keys\{agent="llama"\} [1-9]/m,
      /^matrix_agents_database_query_duration_seconds_count\{kind="transaction",outcome="ok"\} [1-9]/m,
      /^matrix_agents_database_connections\{state="idle"\} \d/m,
      /^matrix_agents_readings_failed 0$/m,
    ]) {
      assert.ok(line.test(metrics), `no line of the metrics is ${line.source}`);
    }
  });

  it("shows no id of a user, a room or an event, no word and no secret, in the metrics", () => {
    assert.doesNotMatch(metrics, /[@!$][\w.=-]+:example\.test|agent_llama|alice/);
    assertAbsent(words, "the metrics", metrics);
    assertAbsent(secrets, "the metrics", metrics);
  });

  it("shows no word and no secret in the whole log, at the most verbose level", () => {
    const log = deployment.bridge.text();
    assert.ok(deployment.bridge.logs().some((line) => line.level === 20 && line.msg === "homeserver call"));
    assertAbsent(words, "the log", log);
    assertAbsent(secrets, "the log", log);
  });

  it("shows no secret in the database", () => {
    assert.ok(dump.size > 20);
    for (const [table, rows] of dump) assertAbsent(secrets, `the table ${table}`, rows);
  });

  it("shows no word in the database", () => {
    const found = [...dump].flatMap(([table, rows]) =>
      [...words]
        .filter(([, said]) => tracesOf(said).some((trace) => rows.includes(trace)))
        .map(([name]) => `${table}: ${name}`),
    );
    assert.deepEqual(found, []);
  });
});
