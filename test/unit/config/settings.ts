import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump } from "js-yaml";
import type { Config } from "../../../src/config/config.ts";
import { ConfigError, type ConfigProblem } from "../../../src/config/config-error.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** The minimal configuration. */
export const LEAST = {
  homeserver: { url: "http://127.0.0.1:8008", domain: "example.org" },
  providers: { demo: { type: "demo" } },
  agents: { demo: { provider: "demo" } },
};

/** Loads the least configuration with other sections, or a text as it is. */
export async function loadSettings(settings: object | string): Promise<Config> {
  const file = join(await temporaryDirectory("config"), "config.yaml");
  await writeFile(file, typeof settings === "string" ? settings : dump({ ...LEAST, ...settings }));
  return loadConfig(file);
}

/** The problems of a configuration. Fails when there are none. */
export async function problemsOf(settings: object | string): Promise<readonly ConfigProblem[]> {
  try {
    await loadSettings(settings);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    for (const { path, found, expected } of error.problems) {
      for (const words of [path, found, expected]) assert.ok(error.message.includes(words), words);
    }
    return error.problems;
  }
  assert.fail("nothing was found wrong");
}
