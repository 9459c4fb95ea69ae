import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgentDirectory } from "../../../src/agents/agent-directory.ts";
import type { GivenName, NameBook } from "../../../src/agents/given-names.ts";
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

/** Keeps names as the table does. */
class Names implements NameBook {
  readonly kept = new Map<string, GivenName>();
  isAway = false;

  all(): Promise<readonly GivenName[]> {
    return this.isAway ? Promise.reject(new Error("the database is away")) : Promise.resolve([...this.kept.values()]);
  }
  give(names: readonly GivenName[], byAdmin: ReadonlySet<string>, providers: ReadonlySet<string>): Promise<void> {
    if (this.isAway) return Promise.reject(new Error("the database is away"));
    for (const name of names) {
      const owner = this.kept.get(name.localpart);
      const isOwn = owner === undefined || (owner.provider === name.provider && owner.model === name.model);
      const isFree = owner !== undefined && !providers.has(owner.provider);
      if (isOwn || isFree || byAdmin.has(name.localpart)) this.kept.set(name.localpart, name);
    }
    return Promise.resolve();
  }
}

async function make(discover = true): Promise<{ provider: Installation; directory: AgentDirectory }> {
  const config = await loadSettings({
    providers: { demo: { type: "demo" }, local: { type: "ollama", url: "http://127.0.0.1:11434", discover } },
  });
  const provider = new Installation();
  const directory = new AgentDirectory(
    () => config,
    () => new Map([["local", provider]]),
    new Names(),
    silentLogger(),
  );
  return { provider, directory };
}

function idsOf(directory: AgentDirectory): string[] {
  return directory.list().map(({ userId }) => userId);
}

describe("the directory of agents", () => {
  it("has the configured agents before any provider was asked", async () => {
    const { directory } = await make();
    assert.deepEqual(idsOf(directory), ["@agent_demo:example.org"]);
    assert.equal(directory.agentOf("@agent_demo:example.org")?.provider, "demo");
    assert.equal(directory.agentOf("@agent_other:example.org"), undefined);
    assert.equal(directory.agentOf("@agent_demo:elsewhere.org"), undefined);
    await directory.stop();
  });

  it("follows the installed models, and announces each new one once", async () => {
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

  it("reports an agent that gets another name because there is now another one of its name", async () => {
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

  it("asks once for all callers at a time, and asks no provider without discovery", async () => {
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

  describe("with two providers that have a model of the same name", () => {
    const [one, two, names] = [new Installation(), new Installation(), new Names()];
    const away = (): Promise<never> => Promise.reject(new ProviderError("unreachable", "nothing listens"));

    async function start(agents: object = {}): Promise<AgentDirectory> {
      const settings = { type: "ollama", url: "http://127.0.0.1:11434", discover: true };
      const config = await loadSettings({ providers: { one: settings, two: settings }, agents });
      const providers = new Map([
        ["one", one],
        ["two", two],
      ]);
      const directory = new AgentDirectory(
        () => config,
        () => providers,
        names,
        silentLogger(),
      );
      await directory.refresh();
      return directory;
    }
    async function owners(agents: object = {}): Promise<Record<string, string>> {
      const directory = await start(agents);
      const found = directory
        .list()
        .map(({ userId, agent }) => [userId.slice(0, -":example.org".length), agent.provider]);
      await directory.stop();
      return Object.fromEntries(found) as Record<string, string>;
    }

    it("leaves the name with its owner, whichever provider is away at a start", async () => {
      [one, two].forEach((provider) => provider.has("max"));
      one.installed = away;
      assert.deepEqual(await owners(), { "@agent_max": "two" });
      one.has("max");
      const both = await owners();
      assert.equal(both["@agent_max"], "two");
      const [other = ""] = Object.keys(both).filter((userId) => userId !== "@agent_max");
      assert.match(other, /^@agent_max-[0-9a-f]{6}$/);
      two.installed = away;
      assert.deepEqual(await owners(), both, "a provider that is away keeps its agent");
      two.has();
      assert.deepEqual(await owners(), { [other]: "one" }, "a provider that no longer has it keeps the name");
      two.has("max");
      assert.deepEqual(await owners(), both);
    });

    it("gives it to another one only by the configuration, and for good", async () => {
      const configured = await owners({ max: { provider: "one", model: "max" } });
      assert.equal(configured["@agent_max"], "one");
      assert.equal((await owners())["@agent_max"], "one");
    });

    it("frees the names of a provider that the configuration no longer has, also of a renamed one", async () => {
      one.has("zoe");
      two.has();
      assert.deepEqual(await owners(), { "@agent_zoe": "one" });
      const settings = { type: "ollama", url: "http://127.0.0.1:11434", discover: true };
      const config = await loadSettings({ providers: { renamed: settings }, agents: {} });
      const directory = new AgentDirectory(
        () => config,
        () => new Map([["renamed", one]]),
        names,
        silentLogger(),
      );
      await directory.refresh();
      assert.deepEqual(
        directory.list().map(({ userId, agent }) => [userId, agent.provider]),
        [["@agent_zoe:example.org", "renamed"]],
      );
      await directory.stop();
    });

    it("gives no name that it can't store", async () => {
      names.isAway = true;
      const config = await loadSettings({
        providers: { one: { type: "ollama", url: "http://127.0.0.1:11434", discover: true } },
        agents: {},
      });
      const directory = new AgentDirectory(
        () => config,
        () => new Map([["one", one]]),
        names,
        silentLogger(),
      );
      one.has("max", "new");
      await assert.rejects(directory.refresh());
      assert.deepEqual(directory.list(), []);
      names.isAway = false;
      await directory.refresh();
      assert.deepEqual(
        directory.list().map(({ userId }) => userId),
        ["@agent_max:example.org", "@agent_new:example.org"],
      );
      await directory.stop();
    });
  });
});
