import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { secretsOf } from "../../../src/config/secrets.ts";
import { Secrets } from "../../../src/observability/secrets.ts";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";

describe("the secrets of a configuration", () => {
  it("are its tokens, keys and passwords, in written and in decoded form", () => {
    process.env["SECRETS_TEST_MASTER"] = "0123456789abcdef\n";
    const openai = { type: "openai", apiKey: "sk-abcdefgh" } as never;
    const secrets = secretsOf(
      {
        database: { url: "postgres://agents:p%40ssword-9@db/agents" },
        providers: new Map([
          ["cloud", openai],
          ["demo", { type: "demo" }],
        ]),
        tools: new Map([
          ["web", { type: "http", token: "tool-token-1" } as never],
          ["files", { type: "stdio", env: { KEY: "tool-secret-2", LOG: "info" }, secrets: ["KEY"] } as never],
        ]),
        encryption: { masterKey: { from: "env", name: "SECRETS_TEST_MASTER" } } as never,
      },
      { asToken: "as-token-1", hsToken: "hs-token-1" },
    );
    for (const secret of [
      "as-token-1",
      "hs-token-1",
      "p%40ssword-9",
      "p@ssword-9",
      "0123456789abcdef",
      "sk-abcdefgh",
      "tool-token-1",
      "tool-secret-2",
    ]) {
      assert.ok(secrets.includes(secret), secret);
    }
  });
});

describe("a line of the log", () => {
  it("holds no secret, in whatever form, and everything else unchanged", () => {
    const secrets = new Secrets(['se"cret/1', 'se"cret/1-and-more', "short"]);
    assert.equal(
      secrets.hide('{"a":"se\\"cret/1","b":"se%22cret%2F1","c":"se\\"cret/1-and-more","d":"short"}'),
      '{"a":"[secret]","b":"[secret]","c":"[secret]","d":"short"}',
    );
  });

  it("holds no secret from a reload, and none from before it", () => {
    const secrets = new Secrets(["the-old-key"]);
    secrets.add(["the-new-key", "the-new-key-and-more"]);
    assert.equal(secrets.hide("the-old-key the-new-key the-new-key-and-more"), "[secret] [secret] [secret]");
  });

  for (const format of ["json", "pretty"]) {
    it(`holds no secret in its output (${format}), from a child logger either`, async () => {
      const code = `
        import { createLogger } from "${inCheckout("src/observability/log.ts")}";
        import { Secrets } from "${inCheckout("src/observability/secrets.ts")}";
        const secrets = new Secrets();
        const log = createLogger(() => "debug", "${format}", secrets);
        secrets.add(["sk-abcdefgh"]);
        log.child({ ghost: "sk-abcdefgh" }).warn({ error: new Error("no such key: sk-abcdefgh") }, "sk-abcdefgh is refused");`;
      const child = await startProcess({ command: process.execPath, args: ["--input-type=module", "-e", code] });
      assert.equal((await child.exited).code, 0);
      const text = child.stderr.join("\n");
      assert.match(text, /\[secret\] is refused/);
      assert.match(text, /no such key: \[secret\]/);
      assert.doesNotMatch(text, /abcdefgh/);
    });
  }
});
