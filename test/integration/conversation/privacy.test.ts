import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CloudPolicy } from "../../../src/config/config.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import type { Agent } from "../../../src/agents/agents.ts";
import { ProviderError } from "../../../src/providers/provider.ts";
import {
  AGENT,
  ALICE,
  BOB,
  chunks,
  LLAMA,
  MODERATOR,
  NEVER,
  QWEN,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { failureOf } from "../../support/turn-replies.ts";

const CLOUD = { host: "api.cloud.example", locality: "cloud", relay: undefined } as const;
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
    const reply = await world.respond(turn, false, UNSEEN, NEVER);
    const step = turn.round === 0 ? `${question} answer.0` : `${question} ${turn.round} answer.0`;
    world.sent.push({ content: reply.messages[0]?.content ?? {}, step });
    await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
    return reply;
  }

  /** An agent says that it waits; the event of its notice is named. */
  async function asking(world: World, ghost: string, eventId: string): Promise<string> {
    const question = await world.say("the secret question", {
      ...group,
      to: ghost,
      also: { "m.mentions": { user_ids: [ghost] } },
    });
    const turn = await world.turn(question, ghost);
    assert.ok(turn);
    const reply = await world.respond(turn, false, UNSEEN, NEVER);
    assert.equal(failureOf(reply), "needs_consent");
    world.senders.set(eventId, ghost);
    await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
    return question;
  }

  async function ask(world: World, text: string, sender = ALICE): Promise<{ question: string; reply: TurnReply }> {
    const question = await world.say(text, { ...group, sender });
    return { question, reply: await answered(world, question) };
  }

  const bodyOf = (reply: TurnReply): string => String(reply.messages[0]?.content["body"]);

  describe("an agent whose words would leave the network", () => {
    it("says what would leave and who would get it, sends nothing, and answers once a moderator has agreed", async () => {
      const world = await cloudy();
      const { question, reply } = await ask(world, "the secret question");
      assert.equal(failureOf(reply), "needs_consent");
      assert.match(bodyOf(reply), /would send to api\.cloud\.example \(“local”\).*✅/);
      assert.equal(world.provider.asked.length, 0);

      const second = await ask(world, "another", BOB);
      assert.match(bodyOf(second.reply), /^Llama waits for a moderator/);
      // Not by the asker, nor by a reaction to another message.
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "✅", ALICE);
      await world.react(question, "✅", MODERATOR);
      assert.equal(world.provider.asked.length, 0);
      assert.equal(await world.turn(question), undefined);

      await world.react("$asking", "✅", MODERATOR);
      assert.equal((await answered(world, question)).outcome, "answered");
      assert.equal((await answered(world, second.question)).outcome, "answered");
      assert.equal((await ask(world, "a third")).reply.outcome, "answered", "it is kept");

      // Whoever brings the agent back before that is pruned has agreed to nothing.
      await world.settle(world.conversation.left(world.ghost(), ROOM));
      assert.equal(failureOf((await ask(world, "a fourth")).reply), "needs_consent");
    });

    it("asks again when the consent was withdrawn, and when the words would go elsewhere", async () => {
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
      assert.equal(failureOf((await ask(world, "and now?")).reply), "needs_consent");
    });

    it("does not answer where a moderator has declined, until one says otherwise", async () => {
      const world = await cloudy();
      const { question } = await ask(world, "hello");
      world.sentAs.set(`${question} answer.0`, "$asking");
      await world.react("$asking", "❌", MODERATOR);
      const declined = await ask(world, "hello?");
      assert.equal(failureOf(declined.reply), "cloud_declined");
      assert.match(bodyOf(declined.reply), /!privacy allow/);
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Agreed: .*api\.cloud\.example/);
      assert.equal((await ask(world, "hello!")).reply.outcome, "answered");
    });

    it("hears a decision that names no agent while it alone waits for one, as the notice shows it", async () => {
      for (const said of ["!privacy allow", "!Privacy Allow.", "`!privacy allow`"]) {
        const world = await cloudy();
        const question = await asking(world, LLAMA, "$asking");
        const bare = { direct: false, sender: MODERATOR };
        await world.say(said, { ...bare, sender: ALICE });
        assert.match(String(world.sent.at(-1)?.content["body"]), /Only moderators/);
        await world.say(said, { ...bare, to: QWEN });
        assert.equal(world.sent.length, 1, "the other one does not wait, and says nothing");
        await world.say(said, bare);
        assert.match(String(world.sent.at(-1)?.content["body"]), /^Agreed: .*@llama !privacy default/);
        assert.equal((await world.turn(question))?.kind, "again");
        await world.say("!privacy deny", bare);
        assert.equal(world.sent.length, 2, "nobody waits any more");
      }
    });

    it("takes no decision from somebody who is left alone with it, by any way, unless they moderate the room: others have spoken there", async () => {
      for (const encrypted of [false, true]) {
        const world = await cloudy({ encrypted, policy: "ask" });
        world.provider.installed = ["llama3.2:3b", "other"];
        await world.say("!privacy deny", { ...group, sender: MODERATOR });
        assert.equal(failureOf((await ask(world, "the password is swordfish")).reply), "cloud_declined");
        world.leftAlone.add(BOB);
        const alone = { direct: true, sender: BOB };
        const commands = ["!privacy allow", "!privacy default", "!system Obey.", "!model other", "!remember Obey."];
        for (const command of [...commands, "!listen on", "!respond all", "!reset", "!forget"]) {
          await world.say(command, alone);
          assert.match(String(world.sent.at(-1)?.content["body"]), /Only moderators/, command);
        }
        const question = await world.say("what was said before?", alone);
        assert.equal(failureOf(await answered(world, question)), "cloud_declined");
        await world.say("!privacy default", { ...group, sender: MODERATOR });
        const again = await world.say("and now?", alone);
        assert.equal(failureOf(await answered(world, again)), "needs_consent");
        world.sentAs.set(`${again} answer.0`, "$asking");
        await world.react("$asking", "✅", BOB);
        assert.equal(await world.turn(again), undefined, "nor a reaction");
        assert.equal(world.provider.asked.length, 0);
      }
    });

    it("says which agent to name while several wait, and takes such a decision for none of them", async () => {
      const world = await cloudy();
      await asking(world, LLAMA, "$llama");
      await asking(world, QWEN, "$qwen");
      for (const to of [LLAMA, QWEN]) {
        await world.say("!privacy allow", { direct: false, sender: MODERATOR, to, eventId: "$said" });
      }
      assert.deepEqual(
        world.sent.map(({ content }) => content["body"]),
        ["Several agents wait for that. Please choose one: @llama !privacy allow or @qwen !privacy allow."],
      );
      assert.deepEqual((await world.database.query("select * from consents")).rows, []);
      // In the form of the notice, and in reply to the request.
      await world.say("@qwen !privacy deny", { direct: false, sender: MODERATOR, to: QWEN });
      const reply = { "m.relates_to": { "m.in_reply_to": { event_id: "$llama" } } };
      await world.say("!privacy allow", { direct: false, sender: MODERATOR, also: reply });
      const { rows } = await world.database.query("select ghost, granted from consents order by ghost");
      assert.deepEqual(rows, [
        { ghost: LLAMA, granted: true },
        { ghost: QWEN, granted: false },
      ]);
    });

    it("takes no decision from before it asked", async () => {
      const world = await cloudy();
      await world.database.query(
        `insert into events (event_id, room_id, received_at) values ('$early', $1, now() - interval '1 second')`,
        [ROOM],
      );
      await asking(world, LLAMA, "$asking");
      await world.say("!privacy allow", { direct: false, sender: MODERATOR, eventId: "$early" });
      assert.equal(world.sent.length, 0);
      assert.deepEqual((await world.database.query("select * from consents")).rows, []);
    });

    it("takes no unencrypted decision that names no agent, in an encrypted room", async () => {
      const world = await cloudy({ encrypted: true, policy: "ask" });
      await asking(world, LLAMA, "$asking");
      await world.say("!privacy allow", { direct: false, sender: MODERATOR, encrypted: false });
      assert.match(String(world.sent.at(-1)?.content["body"]), /This room is encrypted, and that was not/);
      assert.deepEqual((await world.database.query("select * from consents")).rows, []);
      await world.say("!privacy allow", { direct: false, sender: MODERATOR });
      assert.equal((await world.database.query("select * from consents")).rows.length, 1);
    });

    it("asks again once the room is encrypted, whatever was agreed to unencrypted; encrypted words then count for good", async () => {
      for (const agree of ["a reaction", "words in clear", "a row of before"]) {
        const world = await cloudy({ policy: "ask" });
        if (agree === "a row of before") {
          await world.database.query(
            `insert into consents (room_id, ghost, target, granted, decided_by) values ($1, $2, $3, true, $4)`,
            [ROOM, LLAMA, `local ${CLOUD.host}`, MODERATOR],
          );
        } else {
          const { question } = await ask(world, "hello");
          world.sentAs.set(`${question} answer.0`, "$asking");
          if (agree === "a reaction") await world.react("$asking", "✅", MODERATOR);
          else await world.say("!privacy allow", { ...group, sender: MODERATOR });
          await answered(world, question);
        }
        assert.equal((await ask(world, "in clear")).reply.outcome, "answered", agree);

        world.encrypted = true;
        const asked = await ask(world, "encrypted");
        assert.equal(failureOf(asked.reply), "needs_consent", agree);
        assert.match(bodyOf(asked.reply), /A reaction does not count here/);
        await world.say("!privacy", { ...group, sender: MODERATOR });
        assert.doesNotMatch(String(world.sent.at(-1)?.content["body"]), /agreed to that on/);
        await world.say("!privacy allow", { ...group, sender: MODERATOR });
        assert.equal((await answered(world, asked.question)).outcome, "answered", agree);
        assert.equal((await ask(world, "from now on")).reply.outcome, "answered", agree);
        await world.say("!privacy", { ...group, sender: MODERATOR });
        assert.match(String(world.sent.at(-1)?.content["body"]), /agreed to that on/);
      }
    });

    it("still refuses in an encrypted room after an unencrypted no, which only encrypted words withdraw", async () => {
      const world = await cloudy({ policy: "allow" });
      await world.say("!privacy deny", { ...group, sender: MODERATOR });
      world.encrypted = true;
      assert.equal(failureOf((await ask(world, "hello")).reply), "cloud_declined");
      for (const loosening of ["!privacy default", "!privacy allow"]) {
        await world.say(loosening, { ...group, sender: MODERATOR, encrypted: false });
        assert.match(String(world.sent.at(-1)?.content["body"]), /This room is encrypted, and that was not/);
        assert.equal(failureOf((await ask(world, "and now?")).reply), "cloud_declined", loosening);
      }
      await world.say("!privacy default", { ...group, sender: MODERATOR });
      assert.equal((await ask(world, "hello!")).reply.outcome, "answered");
    });

    it("takes no reaction for consent in an encrypted room, and says so; only the encrypted command counts", async () => {
      const world = await cloudy({ encrypted: true, policy: "ask" });
      const { question, reply } = await ask(world, "the secret question");
      assert.equal(failureOf(reply), "needs_consent");
      assert.match(bodyOf(reply), /moderator of this room says @llama !privacy allow.*A reaction does not count here/);
      const second = await ask(world, "another", BOB);
      assert.match(bodyOf(second.reply), /with @llama !privacy allow/);
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

    it("is denied in encrypted rooms until the admin allows asking there, which no moderator can", async () => {
      const world = await cloudy({ encrypted: true });
      const { reply } = await ask(world, "hello");
      assert.equal(failureOf(reply), "cloud_denied");
      assert.match(bodyOf(reply), /admin of this server does not allow/);
      await world.say("!privacy allow", { ...group, sender: MODERATOR });
      assert.equal(failureOf((await ask(world, "and now?")).reply), "cloud_denied");
      world.policy.rooms.set(ROOM, "ask");
      assert.equal(failureOf((await ask(world, "and now?")).reply), "needs_consent");
      assert.equal(world.provider.asked.length, 0);
    });

    it("answers at once where the admin allows it, unless the room has declined", async () => {
      const world = await cloudy({ encrypted: true, policy: "allow" });
      assert.equal((await ask(world, "hello")).reply.outcome, "answered");
      await world.say("!privacy deny", { ...group, sender: MODERATOR });
      assert.equal(failureOf((await ask(world, "hello")).reply), "cloud_declined");
    });

    it("says so when it joins, by its name too, and hears only words to itself", async () => {
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

    it("hears no encrypted aside that was not said to agents, whatever reply the homeserver makes of it", async () => {
      const world = await cloudy({ encrypted: true, policy: "allow" });
      const { question } = await ask(world, "hello");
      await world.answered(await world.say("and now?", group));
      await world.say("!listen agents", { ...group, sender: MODERATOR });
      const before = await world.remembered();
      for (const relation of [
        { "m.in_reply_to": { event_id: "$answer" } },
        { rel_type: "m.thread", event_id: "$answer" },
        { rel_type: "m.thread", event_id: question, "m.in_reply_to": { event_id: "$answer" } },
      ]) {
        const aside = await world.say("an aside to bob", {
          direct: false,
          also: { "m.mentions": {}, "m.relates_to": relation },
        });
        assert.equal(await world.turn(aside), undefined);
      }
      assert.deepEqual(await world.remembered(), before);
    });

    const PASSED_ON: Readonly<Record<string, (world: World) => void>> = {
      "by its server outside": () => undefined,
      "by its server here, which says so": (world) => {
        Object.assign(world.provider, { host: "127.0.0.1:11434", locality: "local" });
        world.agent = { ...AGENT, locality: "local" };
        world.provider.relay = {
          facts: (model) => world.provider.facts(model),
          saysWhere: () => Promise.resolve(true),
        };
        world.provider.remoteHost = "ollama.com";
      },
      "by its name": (world) => {
        Object.assign(world.provider, { host: "127.0.0.1:11434", locality: "local" });
        world.agent = { ...AGENT, locality: "local", model: "gpt-oss:120b-cloud" };
      },
    };
    for (const [how, set] of Object.entries(PASSED_ON)) {
      it(`takes no edit of an encrypted aside for an edit of a question, nor a thread's aside for a question, where its model is outside ${how}`, async () => {
        const world = await cloudy({ encrypted: true, policy: "allow" });
        set(world);
        const toLlama = { ...group, also: { "m.mentions": { user_ids: [LLAMA] } } };
        const question = await world.say("hello", toLlama);
        assert.equal((await answered(world, question)).outcome, "answered");
        const before = await world.remembered();
        const moved = { rel_type: "m.replace", event_id: question };
        for (const mentions of [{}, { user_ids: ["@bob:example.test"] }]) {
          for (const inside of [{}, { "m.mentions": mentions }]) {
            await world.say("* Bob, the PIN is 4711", {
              direct: false,
              also: {
                "m.mentions": mentions,
                "m.new_content": { msgtype: "m.text", body: "Bob, the PIN is 4711", ...inside },
                "m.relates_to": moved,
              },
            });
          }
        }
        for (const relation of [
          { rel_type: "m.thread", event_id: question },
          { "m.in_reply_to": { event_id: question } },
        ]) {
          await world.say("Bob, the PIN is 4711", {
            direct: false,
            also: { "m.mentions": {}, "m.relates_to": relation },
          });
        }
        assert.deepEqual(await world.remembered(), before);
        assert.equal((await world.turns()).filter(({ state }) => state === "queued").length, 0);
        // An edit that says it is for the agent edits a question.
        await world.say("* Llama: hello again", {
          direct: false,
          also: {
            "m.mentions": {},
            "m.new_content": { msgtype: "m.text", body: "hello again", "m.mentions": { user_ids: [LLAMA] } },
            "m.relates_to": moved,
          },
        });
        assert.equal((await world.turns()).filter(({ state }) => state === "queued").length, 1);
      });
    }

    it("promises nothing that the admin does not allow, when it joins and when it is told what is allowed", async () => {
      const welcomeIn = async (options: Parameters<typeof cloudy>[0]): Promise<{ world: World; said: string }> => {
        const world = await cloudy(options);
        await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: true });
        return { world, said: String(world.sent.at(-1)?.content["body"]) };
      };
      const { world, said } = await welcomeIn({ encrypted: true });
      assert.match(said, /But I can't answer here: my model runs at api\..*does not allow that in encrypted rooms\./);
      assert.match(said, /Please ask an agent that runs here \(!list\), or ask your admin/);
      assert.doesNotMatch(said, /agreed/);
      const answerTo = async (text: string): Promise<string> => {
        await world.say(text, { encrypted: true });
        return String(world.sent.at(-1)?.content["body"]);
      };
      assert.match(await answerTo("!privacy allow"), /does not allow that in encrypted rooms/);
      for (const command of ["!privacy deny", "!privacy default"]) {
        const answer = await answerTo(command);
        assert.match(answer, /The admin does not allow it here either|the admin does not allow it here/, command);
        assert.doesNotMatch(answer, /privacy allow|asks/, command);
      }
      assert.match((await welcomeIn({ policy: "deny" })).said, /does not allow that in this room/);
      assert.match((await welcomeIn({ policy: "ask" })).said, /once this room has agreed to that/);
      const allowed = await welcomeIn({ encrypted: true, policy: "allow" });
      assert.match(allowed.said, /messages to me go to api\.cloud\.example\. .*!privacy deny ends it/);
      await allowed.world.say("!privacy default", { encrypted: true });
      assert.match(String(allowed.world.sent.at(-1)?.content["body"]), /the admin allows it\..*stops that/);
    });

    it("includes one whose local server passes its model's requests on", async () => {
      const world = new World(await open());
      world.provider.remoteHost = "ollama.com";
      const { reply } = await ask(world, "hello");
      assert.equal(failureOf(reply), "needs_consent");
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
        /^An answer\.\n\nMy own model can't be reached, so Qwen's model answers this \(qwen2\.5:7b\)\.$/,
      );
    });

    it("is never a cloud agent for an agent that runs here, whatever was configured", async () => {
      const world = await failing({});
      world.provider.remoteHost = "ollama.com";
      world.policy.rooms.set(ROOM, "allow");
      const { reply } = await ask(world, "hello");
      assert.equal(failureOf(reply), "unreachable");
    });

    it("says what failed when the fallback fails too", async () => {
      const world = await failing({});
      world.provider.says = () => {
        throw new ProviderError("busy", "too much to do");
      };
      const { reply } = await ask(world, "hello");
      assert.deepEqual([failureOf(reply), "retry" in reply && reply.retry], ["busy", true]);
    });
  });

  describe("a model's server that does not answer", () => {
    it("keeps nobody else waiting for the agent, however often somebody makes the bridge ask it", async () => {
      const world = new World(await open());
      world.provider.facts = () => Promise.withResolvers<never>().promise;
      world.provider.models = world.provider.facts as never;
      const before = performance.now();
      for (let time = 0; time < 6; time++) {
        await world.say("!privacy", { sender: BOB });
        const shown = String(world.sent.at(-1)?.content["body"]);
        assert.match(shown, /Llama .*does not say[\s\S]*Qwen .*does not say/);
        await world.say("!privacy allow", { sender: BOB });
        assert.match(String(world.sent.at(-1)?.content["body"]), /“local” can't list its models now/);
        await world.say("!model other", { sender: BOB });
        assert.match(String(world.sent.at(-1)?.content["body"]), /“local” can't list its models now/);
      }
      await world.say("!help", group);
      assert.match(String(world.sent.at(-1)?.content["body"]), /!stop/);
      const took = performance.now() - before;
      assert.ok(took < 6_000, `it took ${took} ms`);
    });
  });

  describe("the account of requests to models", () => {
    it("notes their size and destination, without a word of them", async () => {
      const world = await cloudy({ policy: "allow" });
      await ask(world, "the secret question");
      const [sent] = await world.requests.since(ROOM, 7);
      assert.deepEqual([sent?.ghost, sent?.host, sent?.locality, sent?.requests], [LLAMA, CLOUD.host, "cloud", 1]);
      assert.ok((sent?.bytes ?? 0) > 20);
      const { rows } = await world.database.query("select * from provider_requests");
      assert.doesNotMatch(JSON.stringify(rows), /secret/);
    });

    it("tells a room in plain words", async () => {
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

    it("counts a model that a local server passes on as one outside", async () => {
      const world = new World(await open());
      world.provider.remoteHost = "ollama.com";
      await world.say("!privacy", group);
      assert.match(String(world.sent.at(-1)?.content["body"]), /Llama runs elsewhere.*ollama\.com/);
      const { reply } = await ask(world, "the secret question");
      assert.equal(reply.outcome, "failed");
      assert.equal(world.provider.asked.length, 0);
    });

    it("tells when a server does not say where its models run", async () => {
      const world = new World(await open());
      await world.say("!privacy", group);
      assert.match(String(world.sent.at(-1)?.content["body"]), /Nothing said to it leaves that network\./);
      world.provider.saysWhere = false;
      await world.say("!privacy", group);
      const shown = String(world.sent.at(-1)?.content["body"]);
      assert.match(shown, /does not say whether it passes messages on; the admin vouches for it\./);
      assert.doesNotMatch(shown, /Nothing said to it leaves/);
      const { reply } = await ask(world, "hello");
      assert.equal(reply.outcome, "answered");
    });

    it("is about the model that the room has chosen", async () => {
      const world = new World(await open());
      world.provider.installed = ["llama3.2:3b", "gpt-oss:120b-cloud"];
      const here = world.provider.facts;
      world.provider.facts = async (model) => ({
        ...(await here(model)),
        ...(model.endsWith("-cloud") ? { remoteHost: "ollama.com" } : {}),
      });
      await world.say("!model gpt-oss:120b-cloud", { ...group, sender: MODERATOR });
      await world.say("!privacy", group);
      assert.match(String(world.sent.at(-1)?.content["body"]), /Llama runs elsewhere.*ollama\.com/);
    });

    it("does not claim that words stay here while the server can't be asked", async () => {
      const world = new World(await open());
      world.provider.facts = () => Promise.reject(new ProviderError("unreachable", "nobody listens"));
      await world.say("!privacy", group);
      assert.doesNotMatch(String(world.sent.at(-1)?.content["body"]), /Nothing said to it leaves/);
      const { reply } = await ask(world, "hello");
      assert.equal(failureOf(reply), "unreachable");
      assert.equal(world.provider.asked.length, 0);
    });
  });
});
