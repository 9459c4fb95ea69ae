import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgentDirectory } from "../../../src/ghost/agent-directory.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { ProviderError, type InstalledModel, type ModelFacts, type Provider } from "../../../src/providers/provider.ts";
import { loadSettings } from "../config/settings.ts";

/** A provider that has what a test installs. */
class Installation implements Provider {
  readonly name = "local";
  readonly host = "127.0.0.1";
  readonly locality = "local";
  asked = 0;
  installed: () => Promise<readonly InstalledModel[]> = () => Promise.resolve([]);

  facts(): Promise<ModelFacts> {
    return Promise.resolve({ sees: false });
  }
  models(): Promise<readonly InstalledModel[]> {
    this.asked++;
    return this.installed();
  }
  chat(): never {
    throw new Error("nobody talks here");
  }
  has(...names: string[]): void {
    this.installed = () => Promise.resolve(names.map((name) => ({ name, canChat: true })));
  }
}

async function make(discover = true): Promise<{ provider: Installation; directory: AgentDirectory }> {
  const config = await loadSettings({
    providers: { demo: { type: "demo" }, local: { type: "ollama", url: "http://127.0.0.1:11434", discover } },
  });
  const provider = new Installation();
  const directory = new AgentDirectory(config, () => new Map([["local", provider]]), silentLogger());
  return { provider, directory };
}

function idsOf(directory: AgentDirectory): string[] {
  return directory.list().map(({ userId }) => userId);
}

describe("the directory of agents", () => {
  it("has those of the configuration before anybody was asked", async () => {
    const { directory } = await make();
    assert.deepEqual(idsOf(directory), ["@agent_demo:example.org"]);
    assert.equal(directory.agentOf("@agent_demo:example.org")?.provider, "demo");
    assert.equal(directory.agentOf("@agent_other:example.org"), undefined);
    assert.equal(directory.agentOf("@agent_demo:elsewhere.org"), undefined);
    await directory.stop();
  });

  it("follows what is installed, and tells of what is new, once", async () => {
    const { provider, directory } = await make();
    const told: string[] = [];
    directory.onChange((userIds) => {
      told.push(...userIds);
    });
    provider.has("zephyr", "llama3.2:3b");
    await directory.refresh();
    assert.deepEqual(idsOf(directory), [
      "@agent_demo:example.org",
      "@agent_llama3.2-3b:example.org",
      "@agent_zephyr:example.org",
    ]);
    await directory.refresh();
    assert.deepEqual(told.sort(), ["@agent_llama3.2-3b:example.org", "@agent_zephyr:example.org"]);
    provider.has("llama3.2:3b");
    await directory.refresh();
    assert.equal(directory.agentOf("@agent_zephyr:example.org"), undefined);
    await directory.stop();
  });

  it("tells of an agent that is called otherwise since there is another of its name", async () => {
    const { provider, directory } = await make();
    provider.has("alice/max");
    await directory.refresh();
    assert.equal(directory.agentOf("@agent_alice-max:example.org")?.displayName, "Max");
    const told: string[] = [];
    directory.onChange((userIds) => {
      told.push(...userIds);
    });
    provider.has("alice/max", "bob/max");
    await directory.refresh();
    assert.equal(directory.agentOf("@agent_alice-max:example.org")?.displayName, "alice/max");
    assert.deepEqual(told.sort(), ["@agent_alice-max:example.org", "@agent_bob-max:example.org"]);
    await directory.stop();
  });

  it("keeps the models of a provider that can't be asked", async () => {
    const { provider, directory } = await make();
    provider.has("llama3.2:3b");
    await directory.refresh();
    provider.installed = () => Promise.reject(new ProviderError("unreachable", "nothing listens"));
    await directory.refresh();
    assert.ok(directory.agentOf("@agent_llama3.2-3b:example.org"));
    await directory.stop();
  });

  it("asks once for all who want to know at a time, and none that is not to be discovered", async () => {
    const { provider, directory } = await make();
    await Promise.all([directory.refresh(), directory.refresh(), directory.refresh()]);
    assert.equal(provider.asked, 1);
    await directory.stop();

    const other = await make(false);
    other.provider.has("llama3.2:3b");
    await other.directory.refresh();
    assert.equal(other.provider.asked, 0);
    assert.deepEqual(idsOf(other.directory), ["@agent_demo:example.org"]);
    await other.directory.stop();
  });
});
