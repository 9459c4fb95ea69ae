import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";
import { RECORDED_SERVERS } from "../../support/recorded/recorded-servers.ts";

describe("docs/providers.md", () => {
  it("names for each recorded model server its version", async () => {
    const text = await readFile(inCheckout("docs/providers.md"), "utf8");
    for (const { server } of RECORDED_SERVERS) assert.ok(text.includes(`[${server}]`), server);
  });

  it("names a model of Anthropic's that the official client knows", async () => {
    const text = await readFile(inCheckout("docs/providers.md"), "utf8");
    const types = "node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts";
    const known = /export type Model = ([^;]+);/.exec(await readFile(inCheckout(types), "utf8"))?.[1] ?? "";
    const named = [...text.matchAll(/model: (claude-[a-z0-9-]+)/g)].map(([, model]) => model);
    assert.ok(named.length > 0);
    for (const model of named) assert.ok(known.includes(`'${model}'`), model);
  });
});
