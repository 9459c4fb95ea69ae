import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import type { Model } from "@anthropic-ai/sdk/resources";
import { inCheckout } from "../../support/paths.ts";
import { RECORDED_SERVERS } from "../../support/recorded/recorded-servers.ts";

/** The names among a type of names and any other text. */
type Known<Name> = Name extends string ? (string extends Name ? never : Name) : never;

/** The models of Anthropic's that the manual names; the compiler holds them to those that the official client knows. */
const NAMED_MODELS: readonly Known<Model>[] = ["claude-sonnet-5-5"];

describe("docs/providers.md", () => {
  it("names for each recorded model server its version", async () => {
    const text = await readFile(inCheckout("docs/providers.md"), "utf8");
    for (const { server } of RECORDED_SERVERS) assert.ok(text.includes(`[${server}]`), server);
  });

  it("names a model of Anthropic's that the official client knows", async () => {
    const text = await readFile(inCheckout("docs/providers.md"), "utf8");
    const named = [...text.matchAll(/model: (claude-[a-z0-9-]+)/g)].map(([, model]) => model);
    assert.ok(named.length > 0);
    for (const model of named)
      assert.ok(
        NAMED_MODELS.some((known) => known === model),
        model,
      );
  });
});
