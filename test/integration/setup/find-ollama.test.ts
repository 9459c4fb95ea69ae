import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { findOllama } from "../../../src/setup/ollama.ts";
import { json, startModelServer, type ModelServer } from "../../support/model-server.ts";
import { describeModel } from "../../support/ollama-models.ts";

const NEVER = new AbortController().signal;

describe("the Ollama that the setup looks for", () => {
  let server: ModelServer;
  before(async () => {
    server = await startModelServer();
  });
  after(() => server.close());

  it("is found, though it lists models of its cloud, which it is not asked about, and one that it can't show", async () => {
    const names = ["llama3.2:3b", "gpt-oss:120b-cloud", "broken:7b", "renamed:latest"];
    const listed = names.map((name) => describeModel(name));
    Object.assign(listed[3] ?? {}, { remote_host: "https://ollama.com:443" });
    server.on("/api/tags", json({ models: listed }));
    server.on("/api/show", ({ text }) =>
      text.includes("llama3.2") ? json({ capabilities: ["completion"] }) : json({ error: "boom" }, 500),
    );
    const found = await findOllama(server.url, NEVER);
    assert.ok(found.kind === "found");
    assert.deepEqual(
      found.models.map(({ name, remote, canChat }) => [name, remote, canChat]),
      [
        ["llama3.2:3b", false, true],
        ["gpt-oss:120b-cloud", true, true],
        ["broken:7b", false, true],
        ["renamed:latest", true, true],
      ],
    );
    const shown = server.requests.filter(({ path }) => path === "/api/show").map(({ text }) => text);
    assert.equal(shown.filter((text) => /cloud|renamed/.test(text)).length, 0);
  });

  it("is missing where a web page answers", async () => {
    server.on("/api/tags", { headers: { "content-type": "text/html" }, parts: ["<html>Welcome</html>"] });
    assert.equal((await findOllama(server.url, NEVER)).kind, "unusable");
  });

  it("is absent where nobody listens", async () => {
    assert.equal((await findOllama("http://127.0.0.1:9", NEVER)).kind, "absent");
  });
});
