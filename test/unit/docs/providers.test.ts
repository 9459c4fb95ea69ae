import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { generate } from "selfsigned";
import { loadConfig } from "../../../src/config/load.ts";
import { inCheckout } from "../../support/paths.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("the snippets for providers", () => {
  it("are each a valid configuration, with a homeserver above them", async () => {
    const document = await readFile(inCheckout("docs/providers.md"), "utf8");
    const snippets = [...document.matchAll(/^## ([^\n]+)\n\n```yaml\n([\s\S]*?)\n```/gm)];
    assert.equal(snippets.length, 8);
    process.env["OPENROUTER_API_KEY"] = "sk-test";
    const { cert } = await generate([{ name: "commonName", value: "ours" }]);
    for (const [, backend, snippet] of snippets) {
      const directory = await temporaryDirectory("snippet");
      for (const name of ["vllm.key", "anthropic.key"]) await writeFile(join(directory, name), "sk-test");
      await writeFile(join(directory, "our-ca.pem"), cert);
      const file = join(directory, "config.yaml");
      const least = "homeserver: { url: http://127.0.0.1:8008, domain: example.org }";
      await writeFile(file, `${least}\n${snippet ?? ""}\n`);
      await assert.doesNotReject(loadConfig(file), backend);
    }
  });
});
