import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CloudPolicy } from "../../../src/config/config.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import type { Agent } from "../../../src/ghost/agents.ts";
import { ProviderError } from "../../../src/providers/provider.ts";
import {
  AGENT,
  ALICE,
  BOB,
  chunks,
  LLAMA,
  MODERATOR,
  NEVER,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const CLOUD = { host: "api.cloud.example", locality: "cloud", relays: false } as const;
const group = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };

forEachDatabase((_kind, open) => {
  async function cloudy({
    encrypted = false,
    policy,
  }: { encrypted?: boolean; policy?: CloudPolicy } = {}): Promise<World> {
    const world = new World(await open());
    Object.assign(world.provider, CLOUD);
    world.agent = { ...AGENT, locality: "cloud" };
    world.encrypted = encrypted;
    if (policy !== undefined) world.policy.rooms.set(ROOM, policy);
    return world;
  }

  /** Runs the turn of a question to its end, as a room sees it. */
  async function answered(world: World, question: string): Promise<TurnReply> {
    const turn = await world.turn(question);
    assert.ok(turn, "no turn");
    const reply = await world.conversation.answering.respond(turn, false, UNSEEN, NEVER);
    const step = turn.round === 0 ? `${question} answer.0` : `${question} ${turn.round} answer.0`;
    world.sent.push({ content: reply.messages[0]?.content ?? {}, step });
    await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
    return reply;
  }

  async function ask(world: World, text: string, sender = ALICE): Promise<{ question: string; reply: TurnReply }> {
    const question = await world.say(text, { ...group, sender });
    return { question, reply: await answered(world, question) };
  }

  const bodyOf = (reply: TurnReply): string => String(reply.messages[0]?.content["body"]);

  describe("an agent whose words would leave the network", () => {
    it("says what would leave and to whom, sends nothing, and answers once a moderator has agreed", async () => {
      const world = await cloudy();
      const { question, reply } = await ask(world, "the secret question");
      assert.equal(reply.failure, "needs_consent");
      assert.match(bodyOf(reply), /would send to \*\*api\.cloud\.example\*\* \(“local”\).*✅/);
      assert.equal(world.provider.asked.length, 0);

      const second = await ask(world, "another", BOB);
      assert.match(bodyOf(second.reply), /^Llama waits until a moderator/);
      // Not by who asked, nor by a reaction to something else.
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "✅", ALICE);
      await world.react(question, "✅", MODERATOR);
      assert.equal(world.provider.asked.length, 0);
      assert.equal(await world.turn(question), undefined);

      await world.react("$asking", "✅", MODERATOR);
      assert.equal((await answered(world, question)).outcome, "answered");
      assert.equal((await answered(world, second.question)).outcome, "answered");
      assert.equal((await ask(world, "a third")).reply.outcome, "answered", "it is kept");
    });

    it("asks again when it was taken back, and where the words would go elsewhere", async () => {
      const world = await cloudy();
      const { question } = await ask(world, "hello");
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "✅", MODERATOR);
      await answered(world, question);
      world.provider.host = "api.other.example";
      const elsewhere = await ask(world, "and now?");
      assert.match(bodyOf(elsewhere.reply), /api\.other\.example/);
      world.provider.host = CLOUD.host;
      assert.equal((await ask(world, "back again")).reply.outcome, "answered");
      await world.say("!privacy default", { ...group, sender: ALICE });
      assert.match(String(world.sent.at(-1)?.content["body"]), /Only moderators/);
      await world.say("!privacy default", { ...group, sender: MODERATOR });
      assert.equal((await ask(world, "and now?")).reply.failure, "needs_consent");
    });

    it("does not answer where a moderator has declined, until one says otherwise", async () => {
      const world = await cloudy();
      const { question } = await ask(world, "hello");
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "❌", MODERATOR);
      const declined = await ask(world, "hello?");
      assert.equal(declined.reply.failure, "cloud_declined");
      assert.match(bodyOf(declined.reply), /!privacy allow/);
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Agreed: .*api\.cloud\.example/);
      assert.equal((await ask(world, "hello!")).reply.outcome, "answered");
    });

    it("takes no reaction for consent in an encrypted room, and says so; the encrypted command alone", async () => {
      const world = await cloudy({ encrypted: true, policy: "ask" });
      const { question, reply } = await ask(world, "the secret question");
      assert.equal(reply.failure, "needs_consent");
      assert.match(bodyOf(reply), /a moderator of this room says `!privacy allow`.*A reaction does not count here/);
      const second = await ask(world, "another", BOB);
      assert.match(bodyOf(second.reply), /by `!privacy allow`/);
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "✅", MODERATOR);
      await world.react("$asking", "❌", MODERATOR);
      assert.equal(await world.turn(question), undefined, "neither counts");
      // As a homeserver could write it, where devices need not be trusted.
      await world.say("!privacy allow", { ...group, sender: MODERATOR, encrypted: false });
      assert.match(String(world.sent.at(-1)?.content["body"]), /This room is encrypted, and that was not/);
      assert.equal(await world.turn(question), undefined);
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      assert.equal((await answered(world, question)).outcome, "answered");
      assert.equal((await answered(world, second.question)).outcome, "answered");
    });

    it("is denied in encrypted rooms until the admin allows asking there, and by no moderator", async () => {
      const world = await cloudy({ encrypted: true });
      const { reply } = await ask(world, "hello");
      assert.equal(reply.failure, "cloud_denied");
      assert.match(bodyOf(reply), /admin of this server does not allow/);
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      assert.equal((await ask(world, "and now?")).reply.failure, "cloud_denied");
      world.policy.rooms.set(ROOM, "ask");
      assert.equal((await ask(world, "and now?")).reply.failure, "needs_consent");
      assert.equal(world.provider.asked.length, 0);
    });

    it("answers at once where the admin allows it, unless the room has declined", async () => {
      const world = await cloudy({ encrypted: true, policy: "allow" });
      assert.equal((await ask(world, "hello")).reply.outcome, "answered");
      await world.say("!privacy deny", { ...group, sender: MODERATOR });
      assert.equal((await ask(world, "hello")).reply.failure, "cloud_declined");
    });

    it("says so when it comes, by its name too, and hears what is said to itself alone", async () => {
      const world = await cloudy();
      await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: false });
      assert.match(String(world.sent.at(-1)?.content["body"]), /does not run on this server.*api\.cloud\.example/);
      await world.say("Qwen, a word among us", {
        direct: false,
        also: { "m.mentions": { user_ids: ["@agent_qwen:example.test"] } },
      });
      assert.deepEqual(await world.remembered(), []);
      const question = await world.say("Llama (cloud): hello", { direct: false });
      assert.ok(await world.turn(question));
      assert.deepEqual(await world.remembered(), ["Alice: hello"]);
    });

    it("is one whose server here passes its model's requests on", async () => {
      const world = new World(await open());
      world.provider.remoteHost = "ollama.com";
      const { reply } = await ask(world, "hello");
      assert.equal(reply.failure, "needs_consent");
      assert.match(bodyOf(reply), /ollama\.com/);
      assert.equal(world.provider.asked.length, 0);
    });
  });

  describe("a fallback", () => {
    async function failing(agent: Partial<Agent>): Promise<World> {
      const world = new World(await open());
      world.agent = { ...AGENT, fallback: "qwen", ...agent };
      world.provider.says = ({ model }) => {
        if (model !== "qwen2.5:7b") throw new ProviderError("unreachable", "nobody listens");
        return chunks("An answer.");
      };
      return world;
    }

    it("answers where an agent's own model can't be reached, and says so", async () => {
      const world = await failing({});
      const { reply } = await ask(world, "hello");
      assert.equal(reply.outcome, "answered");
      assert.match(
        bodyOf(reply),
        /^An answer\.\n\n\*My own model can't be reached; this is what Qwen's says \(qwen2\.5:7b\)\.\*$/,
      );
    });

    it("is never one of the cloud for an agent that runs here, whatever was configured", async () => {
      const world = await failing({});
      world.provider.relays = true;
      world.provider.remoteHost = "ollama.com";
      world.policy.rooms.set(ROOM, "allow");
      const { reply } = await ask(world, "hello");
      assert.equal(reply.failure, "unreachable");
    });

    it("says what failed when it fails too", async () => {
      const world = await failing({});
      world.provider.says = () => {
        throw new ProviderError("busy", "too much to do");
      };
      const { reply } = await ask(world, "hello");
      assert.deepEqual([reply.outcome, reply.failure, reply.retry], ["failed", "busy", true]);
    });
  });

  describe("what is sent to models", () => {
    it("is noted by size and place, without a word of it", async () => {
      const world = await cloudy({ policy: "allow" });
      await ask(world, "the secret question");
      const [sent] = await world.requests.since(ROOM, 7);
      assert.deepEqual([sent?.ghost, sent?.host, sent?.locality, sent?.requests], [LLAMA, CLOUD.host, "cloud", 1]);
      assert.ok((sent?.bytes ?? 0) > 20);
      const { rows } = await world.database.query("select * from provider_requests");
      assert.doesNotMatch(JSON.stringify(rows), /secret/);
    });

    it("is told of a room in plain words", async () => {
      const world = await cloudy();
      await world.say("!privacy", group);
      assert.match(
        String(world.sent.at(-1)?.content["body"]),
        /not encrypted[\s\S]*Llama runs elsewhere.*api\.cloud\.example.*Nobody has agreed[\s\S]*Nothing was sent/,
      );
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      await ask(world, "hello");
      await world.say("!privacy", group);
      assert.match(
        String(world.sent.at(-1)?.content["body"]),
        /@moderator:example\.test agreed to that on \d{4}-[\s\S]*Llama → api\.cloud\.example: 1 request, .*outside this network/,
      );
    });
  });
});
