import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { inCheckout } from "../support/paths.ts";
import { sharedPostgresUrl } from "../support/services.ts";

describe("a bridge that has held a conversation", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  const words = [
    "xylophone-said-in-clear",
    "zeppelin-said-encrypted",
    "quagga-said-by-the-model",
    "yakisaidasacommand",
  ];

  before(async () => {
    ollama = await startOllamaServer();
    ollama.install("llama3.2", { answer: () => words[2] ?? "" });
    deployment = await prepareDeployment({
      database: "postgres",
      providers: { ollama: { type: "ollama", url: ollama.url, discover: true } },
      agents: { llama: { provider: "ollama", model: "llama3.2" }, gone: { provider: "ollama", model: "gone" } },
    });
    await deployment.startBridge({
      ...process.env,
      NODE_OPTIONS: `--import ${inCheckout("test/support/record-connections.mjs")}`,
    });
    const alice = await deployment.user("js-sdk", "alice");
    for (const [index, encrypted] of [false, true].entries()) {
      for (const name of ["llama", "gone"]) {
        const agent = deployment.agent(name);
        const roomId = await alice.createRoom({ direct: true, encrypted, invite: [agent] });
        await alice.waitMember(roomId, agent);
        const question = await alice.sendText({ roomId, body: words[index] ?? "" });
        await alice.waitMessage({ roomId, sender: agent, after: question });
        const command = await alice.sendText({ roomId, body: `!${words[3] ?? ""}` });
        await alice.waitMessage({ roomId, sender: agent, after: command });
      }
    }
    await deployment.stopBridge();
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  it("has contacted its homeserver, its database and its model server, and nobody else", () => {
    const ports = [deployment.synapse.url, sharedPostgresUrl(), ollama.url].map((url) => Number(new URL(url).port));
    const dialled = deployment.bridge.logs().filter(({ msg }) => msg === "dialled");
    assert.deepEqual([...new Set(dialled.map((line) => line["port"]))].sort(), ports.sort());
    for (const line of dialled) assert.match(String(line["host"]), /^(127\.0\.0\.1|localhost)$/);
    const names = deployment.bridge.logs().filter(({ msg }) => msg === "looked up");
    for (const line of names) assert.match(String(line["host"]), /^(127\.0\.0\.1|localhost)$/);
  });

  it("has written no word of it, no key and no token to its log, at the most verbose level", async () => {
    const log = deployment.bridge.text();
    assert.ok(deployment.bridge.logs().some((line) => line.level === 20 && line.msg === "homeserver call"));
    const masterKey = await readFile(join(deployment.settings.directory, "data", "master.key"), "utf8");
    const { asToken, hsToken } = deployment.files;
    for (const secret of [...words, asToken, hsToken, masterKey.trim()]) assert.ok(!log.includes(secret), secret);
    assert.doesNotMatch(log, /"(ciphertext|session_key|one_time_keys|signatures|body|formatted_body)"/);
  });
});
