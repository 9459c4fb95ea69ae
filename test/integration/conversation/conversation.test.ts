import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exchangeMark } from "../../../src/matrix/exchange-mark.ts";
import { answeredEvent, ANSWERS_FIELD } from "../../../src/matrix/relation.ts";
import { ProviderError, type ChatRequest } from "../../../src/providers/provider.ts";
import { TurnStopped, type Turn, type TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import {
  AGENT,
  ALICE,
  assertNowhere,
  BOB,
  BOT,
  chunks,
  LLAMA,
  MODERATOR,
  NEVER,
  PICTURE,
  QWEN,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { pdf } from "../../support/pdf.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { failureOf } from "../../support/turn-replies.ts";

forEachDatabase((_kind, open) => {
  describe("a message that is said to an agent", () => {
    it("is remembered and queued, once, together with its leaving the mailbox", async () => {
      const world = new World(await open());
      const eventId = await world.say("hello");
      await world.say("hello", { eventId });
      assert.deepEqual(await world.turns(), [
        { event_id: eventId, state: "queued", kind: "answer", thread_root: null },
      ]);
      assert.deepEqual(await world.remembered(), ["Alice: hello"]);
      assert.equal(world.finished, 2);
      assert.deepEqual(world.read, [eventId, eventId]);
      assert.deepEqual(new Set(world.reactions), new Set([`${eventId} 👀`]));

      world.commitFails = new Error("the database went away");
      await assert.rejects(world.say("x"), /went away/);
      assert.equal((await world.turns()).length, 1, "all or nothing");
      assert.deepEqual(await world.remembered(), ["Alice: hello"]);
      assert.equal(world.queued, 2, "nobody is told about a transaction that was rolled back");
    });

    it("is ignored when it is not for the agent, or from somebody without access", async () => {
      const world = new World(await open());
      await world.say("just talking", { direct: false });
      await world.say("hello", { sender: "@mallory:evil.test" });
      await world.say("hello", { sender: "@_irc_bot:example.test" });
      await world.say("hello", { sender: QWEN, direct: false });
      assert.deepEqual(await world.turns(), []);
      assert.deepEqual(await world.remembered(), ["Qwen: hello"], "words of agents are context, and no question");
      assert.deepEqual(world.read, []);
      assert.equal(world.finished, 4);
    });

    it("may be a reply to the agent's own words, and only to those", async () => {
      const world = new World(await open());
      const question = await world.say("hello");
      const turn = await world.turn(question);
      assert.ok(turn);
      await world.database.transaction((tx) => world.remember(turn, "$answer", "hi", tx));
      const replyTo = (event: string): object => ({ "m.relates_to": { "m.in_reply_to": { event_id: event } } });
      await world.say("not to you", { direct: false, also: replyTo(question) });
      await world.say("nor to you", { direct: false, also: replyTo("$nul\0\ud800") });
      const reply = await world.say("to you", { direct: false, also: replyTo("$answer") });
      assert.deepEqual(
        (await world.turns()).map(({ event_id }) => event_id),
        [question, reply],
      );
    });

    it("may be a reply to a notice of the agent's, with a command too", async () => {
      const world = new World(await open());
      world.senders.set("$welcome", LLAMA).set("$other", QWEN);
      const replyTo = (event: string): object => ({ "m.relates_to": { "m.in_reply_to": { event_id: event } } });
      await world.say("!help", { direct: false, also: replyTo("$other") });
      assert.equal(world.sent.length, 0);
      for (const said of ["!help", "`!Help`.", "> <@agent_llama:example.test> Hello!\n\n!help"]) {
        await world.say(said, { direct: false, also: replyTo("$welcome") });
        assert.match(String(world.sent.at(-1)?.content["body"]), /You can tell me, as in @llama !status/);
      }
      const question = await world.say("and what do you know?", { direct: false, also: replyTo("$welcome") });
      assert.deepEqual(
        (await world.turns()).map(({ event_id }) => event_id),
        [question],
      );
    });

    it("is changed by its sender's edit and forgotten when deleted, its question with it", async () => {
      const world = new World(await open());
      const question = await world.say("waht is up?");
      const other = await world.say("and you?");
      const edit = (target: string): object => ({
        "m.new_content": { msgtype: "m.text", body: "what is up?" },
        "m.relates_to": { rel_type: "m.replace", event_id: target },
      });
      await world.say("* what is up?", { also: edit(question), sender: BOB });
      assert.deepEqual(await world.remembered(), ["Alice: waht is up?", "Alice: and you?"]);
      await world.say("* what is up?", { also: edit(question) });
      await world.say("* what is up?", { also: edit("$nul\0") });
      assert.deepEqual(await world.remembered(), ["Alice: what is up?", "Alice: and you?"]);
      await world.say("* what is up?", { also: edit(question) });
      assert.deepEqual(
        (await world.turns()).map(({ event_id, state, kind }) => [event_id, state, kind]),
        [
          [question, "cancelled", "answer"],
          [other, "queued", "answer"],
          [question, "queued", "edit"],
        ],
        "asked anew, once",
      );

      for (const target of [question, "$nul\0", `${other}\0`]) {
        await world.settle(world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target }));
      }
      assert.deepEqual(await world.remembered(), ["Alice: and you?"]);
      assert.deepEqual(
        (await world.turns()).map(({ event_id }) => event_id),
        [other],
      );
    });

    it("keeps its thread, unless the thread's id can't be an event's", async () => {
      const world = new World(await open());
      const thread = (root: unknown): object => ({ "m.relates_to": { rel_type: "m.thread", event_id: root } });
      await world.say("a", { also: thread("$root") });
      await world.say("b", { also: thread("$nul\0") });
      await world.say("c", { also: thread(7) });
      assert.deepEqual(
        (await world.turns()).map(({ thread_root }) => thread_root),
        ["$root", null, null],
      );
    });

    it("is declined when too many wait, with a notice and without any other trace", async () => {
      const world = new World(await open());
      for (const body of ["one", "two", "three"]) await world.say(body);
      const eventId = await world.say("four");
      await world.say("four", { eventId });
      const states = (await world.turns()).map(({ state }) => state);
      assert.deepEqual(states, ["queued", "queued", "queued", "sending"]);
      const reply = await world.replyTo(eventId);
      assert.ok(reply);
      assert.deepEqual([reply.outcome, failureOf(reply), reply.messages.length], ["failed", "full", 1]);
      assert.equal(reply.messages[0]?.content["msgtype"], "m.notice");
      assert.match(String(reply.messages[0].content["body"]), /Too many questions wait for Llama/);
    });

    it("is marked and remembered, but not answered, when its key came too late", async () => {
      const world = new World(await open());
      const inTime = await world.say("a little late", { lateMs: 59_000 });
      const late = await world.say("far too late", { lateMs: 61_000 });
      assert.deepEqual(
        (await world.turns()).map(({ event_id }) => event_id),
        [inTime],
      );
      assert.deepEqual(world.sent, [
        {
          content: { "m.relates_to": { rel_type: "m.annotation", event_id: late, key: "⌛" } },
          step: `${late} late`,
          form: "of_room",
        },
      ]);
      assert.deepEqual(await world.remembered(), ["Alice: a little late", "Alice: far too late"]);
    });

    it("that can't be read gets a notice, in its thread, which says what to do", async () => {
      const world = new World(await open());
      const unread = { eventId: "$unread", roomId: ROOM, threadRoot: "$root", ghost: LLAMA };
      const notice = await world.conversation.notices.missingKey({ ...unread, withheld: "m.unverified" });
      assert.equal(notice["msgtype"], "m.notice");
      assert.match(String(notice["body"]), /^Llama can't read this message.*verify Llama/);
      assert.deepEqual(notice["m.mentions"], {});
      assert.deepEqual(notice["m.relates_to"], {
        rel_type: "m.thread",
        event_id: "$root",
        is_falling_back: true,
        "m.in_reply_to": { event_id: "$unread" },
      });
    });

    it("is answered by the bot at once, in a notice, under a step of its own", async () => {
      const world = new World(await open());
      const eventId = await world.say("!list", { to: BOT });
      const [sent] = world.sent;
      assert.ok(sent);
      assert.equal(sent.content["msgtype"], "m.notice");
      assert.match(String(sent.content["body"]), /Llama \(llama3\.2:3b\): @agent_llama:example\.test/);
      assert.match(
        String(sent.content["formatted_body"]),
        /<a href="https:\/\/matrix\.to\/#\/@agent_llama:example\.test">Llama<\/a>/,
      );
      assert.deepEqual(sent.content["m.mentions"], {});
      assert.ok(sent.step.includes(eventId));
      assert.deepEqual(await world.turns(), []);
      assert.equal(world.finished, 1);
    });

    it("is answered by the bot in the language of their last conversation, over restarts too", async () => {
      const world = new World(await open());
      await world.database.query(
        "insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)",
        [BOT, ROOM],
      );
      const answers = async (text: string, one = world): Promise<string> => {
        await one.say(text, { to: BOT });
        return String(one.sent.at(-1)?.content["body"]);
      };
      assert.match(await answers("list"), /^Agents you can/);
      assert.match(await answers("danke schön, das war sehr hilfreich"), /^Ich kenne/);
      assert.match(await answers("list"), /^Agenten, die/);
      assert.match(await answers("help", new World(world.database)), /^Ich kümmere mich/);
      assert.match(await answers("thank you, that was helpful"), /^I know/);
      assert.match(await answers("list"), /^Agents you can/);
    });
  });

  describe("a reaction", () => {
    it("stops a waiting or running question, by the asker or a moderator only", async () => {
      const world = new World(await open());
      const [first, second] = [await world.say("one"), await world.say("two")];
      const running = await world.turn(first);
      await world.database.query("update turns set state = 'running', draft = '$draft' where id = $1", [running?.id]);
      for (const sender of [BOB, "@agent_other:example.test", "@stranger:elsewhere.test"]) {
        await world.react(first, "🛑", sender);
        await world.react(second, "🛑", sender);
      }
      assert.deepEqual([world.stopped, (await world.turns()).map(({ state }) => state)], [[], ["running", "queued"]]);
      await world.react("$draft", "🛑", MODERATOR);
      await world.react(second, "⏹️");
      assert.deepEqual(world.stopped, [{ id: running?.id, keeps: true }]);
      assert.deepEqual(
        (await world.turns()).map(({ state }) => state),
        ["running", "cancelled"],
      );
    });

    it("asks for another answer or a longer one, once there is one, and the model knows which answer is meant", async () => {
      const world = new World(await open());
      const question = await world.say("tell me");
      await world.react(question, "🔁");
      assert.equal((await world.turns()).length, 1, "there is none yet");
      await world.answered(question);
      await world.react("$more", "🔁", BOB);
      await world.react("$more", "🔁");
      await world.react(question, "▶️");
      const kinds = (await world.turns()).map(({ kind }) => kind);
      assert.deepEqual(kinds, ["answer", "again"], "one after the other");

      const again = await world.turn(question);
      assert.equal(again?.kind, "again");
      await world.respond(again, true, UNSEEN, NEVER);
      const said = (request: ChatRequest | undefined): string[] =>
        (request?.messages ?? []).slice(1).map(({ role, content }) => `${role}: ${content}`);
      assert.deepEqual(said(world.provider.asked.at(-1)), ["user: tell me"]);
      await world.respond({ ...again, kind: "continue" }, true, UNSEEN, NEVER);
      const [, ...rest] = said(world.provider.asked.at(-1));
      assert.equal(rest[0], "assistant: an answer\n\nand more");
      assert.match(rest[1] ?? "", /^user: Go on exactly where you stopped/);
    });

    it("to any part of an answer, to its draft or to an edit counts for the whole answer", async () => {
      const world = new World(await open());
      const question = await world.say("tell me");
      const turn = await world.turn(question);
      assert.ok(turn);
      const turns = new TurnStore(world.database, sealsOf(world.database));
      await world.database.query("update turns set draft = '$answer' where id = $1", [turn.id]);
      await turns.note(world.database, turn, "$edit", "$answer");
      await world.answered(question);
      await world.react("$edit", "👍🏽");
      await world.react("$more", "👎️");
      const { rows } = await world.database.query("select event_id, good from feedback order by good");
      assert.deepEqual(rows, [
        { event_id: "$more", good: false },
        { event_id: "$answer", good: true },
      ]);
      for (const target of ["$answer", "$edit", "$more", question]) {
        await world.react(target, "🔄");
        assert.equal((await world.turns()).filter(({ state }) => state === "queued").length, 1, target);
        await world.react(target, "✋🏾");
        assert.equal((await world.turns()).at(-1)?.["state"], "cancelled", target);
      }
      await world.react("$nobody's", "🔁");
      assert.equal((await world.turns()).length, 5);
    });

    it("that likes or dislikes an answer is kept, until it is removed", async () => {
      const world = new World(await open());
      const question = await world.say("tell me");
      await world.answered(question);
      await world.react("$answer", "👍🏽", MODERATOR);
      await world.react("$answer", "👎");
      await world.react("$answer", "👎", BOB);
      await world.react(question, "👍");
      await world.react("$answer", "🎉");
      const rated = async (): Promise<unknown[]> =>
        (await world.database.query("select event_id, sender, good from feedback order by good")).rows;
      assert.deepEqual(await rated(), [
        { event_id: "$answer", sender: ALICE, good: false },
        { event_id: "$answer", sender: MODERATOR, good: true },
      ]);
      const { rows } = await world.database.query<{ reaction: string }>("select reaction from feedback where good");
      await world.settle(
        world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target: rows[0]?.reaction ?? "" }),
      );
      assert.equal((await rated()).length, 1);
    });
  });

  describe("a command", () => {
    it("is answered without links or markup from what was typed, however often that is shown", async () => {
      const world = new World(await open());
      const link = "[Free-money](https://evil.example)";
      const mine = { direct: false, sender: MODERATOR, also: { "m.mentions": { user_ids: [LLAMA] } } };
      const said = [
        `!discuss ${link} hi`,
        `!system ${link} **now**`,
        "!system",
        `!remember ![x](https://evil.example/a)`,
      ];
      for (const command of [...said, "!remember", "!status"]) {
        await world.say(command, mine);
        const { body, formatted_body: html = "" } = world.sent.at(-1)?.content ?? {};
        assert.match(String(body), /evil\.example/, command);
        assert.doesNotMatch(String(html), /<a |<strong>|<img/, command);
      }
      // As long as a name is.
      await world.say(`!discuss ${"x".repeat(3_000)} hi`, mine);
      assert.match(String(world.sent.at(-1)?.content["body"]), /“x{64}”/);
    });

    function lastWords(world: World): string {
      return String(world.sent.at(-1)?.content["body"]);
    }

    it("sets the model's options for this room, says so, and is no question", async () => {
      const world = new World(await open());
      world.provider.installed = ["llama3.2:3b", "mistral:latest"];
      for (const command of [
        "!model mistral",
        "!system Talk like a pirate",
        "!temperature 0",
        "!remember It is winter",
      ]) {
        await world.say(command);
        assert.equal(world.sent.at(-1)?.content["msgtype"], "m.notice");
        assert.match(lastWords(world), /^Done\. .*\(set in this room\)/);
      }
      await world.say("!model gpt-9");
      assert.match(lastWords(world), /“local” has no such model\. It has: llama3\.2:3b, mistral:latest/);
      await world.say("!temperature hot");
      assert.match(lastWords(world), /Please write it like this/);
      assert.deepEqual([await world.turns(), await world.remembered()], [[], []]);

      const asked = async (): Promise<ChatRequest | undefined> => {
        const turn = await world.turn(await world.say("hello"));
        assert.ok(turn);
        await world.respond(turn, true, UNSEEN, NEVER);
        await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, {
          outcome: "answered",
        });
        return world.provider.asked.at(-1);
      };
      const here = await asked();
      assert.deepEqual([here?.model, here?.temperature], ["mistral", 0]);
      assert.match(here?.messages[0]?.content ?? "", /^Talk like a pirate\n\nKeep in mind: It is winter$/);
      await world.say("!status");
      assert.equal(
        lastWords(world),
        [
          "I am Llama, run by “local” with the model mistral.",
          "",
          "• Instruction: Talk like a pirate (set in this room)",
          "• Temperature: 0 (set in this room)",
          "• What I keep in mind: It is winter (set in this room)",
          "• Everything else is as the admin has set it. !help shows the settings, and !reset takes these back.",
        ].join("\n"),
      );
      await world.say("!reset");
      await world.say("waiting");
      await world.say("!status");
      assert.equal(
        lastWords(world),
        [
          "I am Llama, run by “local” with the model llama3.2:3b.",
          "",
          "• Everything is as the admin has set it. !help shows the settings.",
          "• Questions that wait for an answer: 1.",
        ].join("\n"),
      );
      await world.say("!stop");
      const after = await asked();
      assert.deepEqual([after?.model, after?.temperature], [AGENT.model, AGENT.temperature]);
    });

    it("that changes something in a group needs a moderator, and others are told so", async () => {
      const world = new World(await open());
      const inGroup = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };
      for (const command of ["!respond all", "!reset", "!forget", "!system x"]) {
        await world.say(command, inGroup);
        assert.match(lastWords(world), /Only moderators/);
      }
      await world.say("!respond all", { ...inGroup, sender: MODERATOR });
      assert.match(lastWords(world), /^Done\./);
      await world.say("nobody named", { direct: false });
      assert.equal((await world.turns()).length, 1);
      await world.say("!help", inGroup);
      assert.match(lastWords(world), /• !stop/);
    });

    it("stops one's own answers, or all when a moderator gives it; and asks again", async () => {
      const world = new World(await open());
      await world.say("!retry");
      assert.match(lastWords(world), /nothing here/);
      const mine = await world.say("mine");
      const theirs = await world.say("theirs", {
        sender: BOB,
        direct: false,
        also: { "m.mentions": { user_ids: [LLAMA] } },
      });
      await world.say("!stop", { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } });
      assert.deepEqual(
        (await world.turns()).map(({ event_id, state }) => [event_id, state]),
        [
          [mine, "cancelled"],
          [theirs, "queued"],
        ],
      );
      const reaction = (): unknown =>
        (world.sent.at(-1)?.content["m.relates_to"] as { rel_type?: unknown; key?: unknown } | undefined)?.key;
      assert.equal(reaction(), "🛑", "the reaction alone is enough");
      await world.say("!retry");
      assert.equal((await world.turns()).at(-1)?.["kind"], "again");
      assert.equal(reaction(), "🔁");
      await world.say("!retry");
      assert.match(lastWords(world), /not finished with your last question/);
      await world.say("!stop");
      assert.ok((await world.turns()).every(({ state }) => state === "cancelled"));
      await world.say("!stop");
      assert.match(lastWords(world), /no answer here/);
    });

    it("comes from a person, never from another agent or from the model itself", async () => {
      const world = new World(await open());
      const question = await world.say("what is the password?");
      await world.say("!forget", { sender: QWEN, also: { "m.mentions": { user_ids: [LLAMA] } } });
      world.provider.says = () => chunks("!forget");
      const turn = await world.turn(question);
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      assert.equal(reply.messages[0]?.remembered, "!forget");
      assert.deepEqual(await world.remembered(), ["Alice: what is the password?", "Qwen: !forget"]);
      assert.equal(world.sent.length, 0);
    });

    it("to stop that names no agent is for all agents in the room from a moderator, and for none from others", async () => {
      const world = new World(await open());
      const question = await world.say("tell me");
      await world.say("!stop", { direct: false });
      assert.equal((await world.turns())[0]?.["state"], "queued");
      await world.say("!stop", { direct: false, sender: MODERATOR });
      assert.deepEqual(
        (await world.turns()).map(({ event_id, state }) => [event_id, state]),
        [[question, "cancelled"]],
      );
      assert.equal(world.sent.length, 0);
    });

    it("forgets the room, provably: no row of the database holds a word of it", async () => {
      const world = new World(await open());
      const question = await world.say("the password is swordfish");
      await world.answered(question);
      await world.react("$answer", "👍");
      await world.say("!remember swordfish");
      await world.say("still waiting, swordfish");
      await world.say("!forget");
      assert.match(lastWords(world), /I have forgotten/);
      await assertNowhere(world.database, /swordfish/);
    });

    it("tells how much somebody has used", async () => {
      const world = new World(await open());
      const question = await world.say("hello");
      const turn = await world.turn(question);
      assert.ok(turn);
      const usage = { promptTokens: 30, answerTokens: 12 };
      await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, {
        outcome: "answered",
        usage,
      });
      await world.say("!usage");
      assert.match(lastWords(world), /Here, to me: 1 question, 42 tokens/);
    });
  });

  describe("a file", () => {
    const file = (name: string, mimetype: string, more: object = {}): object => ({
      msgtype: mimetype.startsWith("image/") ? "m.image" : "m.file",
      body: name,
      url: `mxc://example.test/${name}`,
      info: { mimetype },
      ...more,
    });

    async function asked(world: World, body: string, also: object): Promise<TurnReply> {
      const turn = await world.turn(await world.say(body, { also }));
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
      return reply;
    }

    it("with text is read with the question, and with those after it", async () => {
      const world = new World(await open());
      world.files.set("mxc://example.test/notes.txt", Buffer.from("buy milk\n```\nnot the end"));
      const caption = { filename: "notes.txt", body: "what is to do?" };
      await asked(world, "", file("notes.txt", "text/plain", caption));
      const question = world.provider.asked.at(-1)?.messages.at(-1)?.content;
      assert.equal(question, "what is to do?\n\nThe file “notes.txt”:\n\n````\nbuy milk\n```\nnot the end\n````");
      await asked(world, "and then?", {});
      assert.match(JSON.stringify(world.provider.asked.at(-1)?.messages), /buy milk/);
      world.files.clear();
      await asked(world, "and now?", {});
      assert.match(JSON.stringify(world.provider.asked.at(-1)?.messages), /buy milk/);
      assert.equal(world.downloads.length, 1);
    });

    it("with a picture is shown to a model that sees; for other models a notice says that they can't", async () => {
      const world = new World(await open());
      const bytes = PICTURE;
      world.files.set("mxc://example.test/cat.png", bytes);
      const blind = await asked(world, "", file("cat.png", "image/png"));
      assert.equal(failureOf(blind), "cant_see");
      assert.match(String(blind.messages[0]?.content["body"]), /can't look at pictures/);
      world.agent = { ...AGENT, vision: true };
      await asked(world, "", file("cat.png", "image/png"));
      // The earlier one was not answered: both are one message of the person's.
      assert.deepEqual(world.provider.asked.at(-1)?.messages.at(-1)?.images, [bytes, bytes]);
      const seeing = new World(await open());
      seeing.files.set("mxc://example.test/cat.png", bytes);
      seeing.provider.sees = true;
      assert.equal((await asked(seeing, "", file("cat.png", "image/png"))).outcome, "answered");
      seeing.agent = { ...AGENT, vision: false };
      assert.equal(failureOf(await asked(seeing, "", file("cat.png", "image/png"))), "cant_see");
    });

    it("that is a PDF is read like text; a PDF without text gets a notice", async () => {
      const world = new World(await open());
      world.files.set("mxc://example.test/a.pdf", pdf("The answer is 42."));
      world.files.set("mxc://example.test/scan.pdf", pdf(""));
      world.files.set("mxc://example.test/broken.pdf", Buffer.from("%PDF-1.7 and no more"));
      await asked(world, "", file("a.pdf", "application/pdf"));
      assert.match(world.provider.asked.at(-1)?.messages.at(-1)?.content ?? "", /“a\.pdf”:[\s\S]*The answer is 42\./);
      for (const name of ["scan.pdf", "broken.pdf"]) {
        assert.equal(failureOf(await asked(world, "", file(name, "application/pdf"))), "no_text");
      }
    });

    it("that is a recording is transcribed once, and remembered by its words", async () => {
      const world = new World(await open());
      const voice = file("Voice message.ogg", "audio/ogg; codecs=opus");
      (voice as { msgtype: string }).msgtype = "m.audio";
      world.files.set("mxc://example.test/Voice message.ogg", Buffer.from("OggS"));
      assert.equal(failureOf(await asked(world, "", voice)), "cant_hear");
      world.provider.hears = () => Promise.resolve(" What is the capital of France? ");
      assert.equal((await asked(world, "", voice)).outcome, "answered");
      const heard = world.provider.asked.at(-1)?.messages.at(-1)?.content;
      assert.equal(
        heard,
        "(a file that can't be read any more: “Voice message.ogg”)\n\nWhat is the capital of France?",
        "the one that could not be heard, and this one",
      );
      assert.deepEqual(
        world.provider.recordings.map(({ model, fileName }) => [model, fileName]),
        Array.from({ length: 2 }, () => ["whisper-1", "voice.ogg"]),
      );
      await asked(world, "and of Spain?", {});
      assert.equal(world.provider.recordings.length, 2);
      assert.ok((await world.remembered()).includes("Alice: What is the capital of France?"));
      world.provider.hears = () => Promise.resolve("  ");
      assert.equal(failureOf(await asked(world, "", voice)), "no_text");
    });

    it("that arrives slowly delays no stop", async () => {
      const world = new World(await open());
      world.files.set("mxc://example.test/slow.txt", new Promise<never>(() => undefined));
      const question = await world.say("", { also: file("slow.txt", "text/plain") });
      const turn = await world.turn(question);
      assert.ok(turn);
      const stop = new AbortController();
      const answering = world.respond(turn, true, UNSEEN, stop.signal);
      setImmediate(() => stop.abort(new TurnStopped({ keeps: true })));
      assert.deepEqual(await answering, { outcome: "stopped", messages: [] });
    });

    it("that can't be read gets a notice, and does not prevent answers to later questions", async () => {
      const world = new World(await open());
      world.files.set("mxc://example.test/big.txt", Buffer.alloc(1_000_001, "a"));
      world.files.set("mxc://example.test/told.txt", Buffer.alloc(1_000_001, "a"));
      world.files.set("mxc://example.test/big.pdf", Buffer.alloc(20_000_001, "%PDF-"));
      world.files.set("mxc://example.test/small.txt", Buffer.from("a few words"));
      for (const [also, failure] of [
        [file("film.mp4", "video/mp4"), "cant_read"],
        [file("big.pdf", "application/pdf", { info: { mimetype: "application/pdf", size: 1 } }), "too_large"],
        [file("big.txt", "text/plain"), "too_large"],
        [file("told.txt", "text/plain", { info: { mimetype: "text/plain", size: 0 } }), "too_large"],
        [file("gone.txt", "text/plain"), "no_file"],
      ] as const) {
        const reply = await asked(world, "", also);
        assert.deepEqual([reply.outcome, failureOf(reply)], ["failed", failure]);
        assert.equal(reply.messages[0]?.content["msgtype"], "m.notice");
      }
      // Nobody knows a file's size before it arrives.
      const small = file("small.txt", "text/plain", { info: { mimetype: "text/plain", size: 5e9 } });
      assert.equal((await asked(world, "", small)).outcome, "answered");
      assert.equal((await asked(world, "never mind", {})).outcome, "answered");
    });

    it("whose name looks like an agent's is not for that agent, and one that looks like a command is no command", async () => {
      const world = new World(await open());
      await world.say("", { direct: false, also: file("Llama notes.txt", "text/plain") });
      await world.say("", { also: file("!forget", "text/plain") });
      assert.equal((await world.turns()).length, 1);
      assert.equal(world.sent.length, 0);
    });
  });

  describe("an agent that comes into a room", () => {
    it("describes the commands that make sense there, before its welcome, and again only when they change", async () => {
      const world = new World(await open());
      const commands = (): unknown[] => world.state.map(({ content }) => (content as { command?: string }).command);
      const sentBefore: number[] = [];
      const ghost = world.ghost();
      const counting = {
        ...ghost,
        setState: (...state: Parameters<typeof ghost.setState>) => {
          sentBefore.push(world.sent.length);
          return ghost.setState(...state);
        },
      };
      await world.conversation.joined(counting, { roomId: ROOM, direct: true });
      assert.deepEqual([sentBefore, world.sent.length], [[0], 1]);
      assert.ok(world.state.every(({ type }) => type === "org.matrix.msc4391.command_description"));
      const direct = commands();
      assert.ok(direct.includes("model") && !direct.includes("discuss"));
      await world.say("hello");
      await world.say("!status");
      assert.equal(world.state.length, direct.length, "all is as it was");

      // The room has become a group, and is a direct chat again.
      await world.say("hello", { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } });
      const added = commands().slice(direct.length);
      assert.deepEqual(added, ["discuss", "respond", "listen", "threads", "delegate"]);
      await world.say("hello");
      assert.deepEqual(
        world.state.slice(-5).map(({ content }) => content),
        Array(5).fill({}),
      );
      assert.deepEqual(
        world.state
          .slice(-5)
          .map(({ stateKey }) => stateKey)
          .sort(),
        world.state
          .slice(-10, -5)
          .map(({ stateKey }) => stateKey)
          .sort(),
      );

      // Another version of the bridge describes one of them differently, and had one that no longer exists.
      const { rows } = await world.database.query<{ described: string }>("select described from command_menus");
      const described = JSON.parse(rows[0]?.described ?? "{}") as Record<string, string>;
      const [changed = ""] = Object.keys(described);
      const former = { ...described, [changed]: "otherwise", "former command": "x" };
      await world.database.query("update command_menus set described = $1", [JSON.stringify(former)]);
      const before = world.state.length;
      await world.say("hello");
      const anew = world.state.slice(before);
      assert.deepEqual(
        anew.map(({ stateKey, content }) => [stateKey, Object.keys(content).length > 0]),
        [
          ["former command", false],
          [changed, true],
        ],
      );

      await world.settle(world.conversation.left(world.ghost(), ROOM));
      assert.deepEqual((await world.database.query("select * from command_menus")).rows, []);
    });

    it("describes no commands where it may not or should not, and tries once", async () => {
      const world = new World(await open());
      world.maySetState = false;
      let tries = 0;
      const ghost = world.ghost();
      const counting = { ...ghost, setState: () => Promise.resolve(tries++ > 99) };
      for (let join = 0; join < 3; join++) await world.conversation.joined(counting, { roomId: ROOM, direct: false });
      assert.equal(tries, 1);
      const off = new World(await open());
      off.describes = false;
      await off.conversation.joined(off.ghost(), { roomId: ROOM, direct: true });
      await off.say("hello");
      assert.deepEqual(off.state, []);
      const failing = new World(await open());
      const unlucky = { ...failing.ghost(), setState: () => Promise.reject(new Error("away")) };
      await failing.conversation.joined(unlucky, { roomId: ROOM, direct: true });
      assert.equal(failing.sent.length, 1, "the greeting comes all the same");
      await failing.conversation.joined(failing.ghost(), { roomId: ROOM, direct: true });
      assert.ok(failing.state.length > 0, "and the next time the commands do");
    });

    it("introduces itself in a notice, once", async () => {
      const world = new World(await open());
      await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: true });
      await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: true });
      assert.deepEqual(new Set(world.sent.map(({ step }) => step)), new Set([`welcome ${ROOM}`]));
      const content = world.sent[0]?.content ?? {};
      assert.equal(content["msgtype"], "m.notice");
      assert.match(String(content["body"]), /^Hello! I am Llama, an AI\. Write to me/);
      assert.deepEqual(content["m.mentions"], {});
      await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: false });
      assert.match(String(world.sent.at(-1)?.content["body"]), /when you mention me/);
      const german = new World(await open(), { language: "de" });
      await german.conversation.joined(german.ghost(), { roomId: ROOM, direct: true });
      assert.match(String(german.sent.at(-1)?.content["body"]), /^Hallo! Ich bin Llama, eine KI/);
    });

    it("that is a demo says so, and calls itself no AI", async () => {
      const { model, ...demo } = AGENT;
      assert.ok(model);
      const world = new World(await open());
      world.agent = demo;
      await world.conversation.joined(world.ghost(), { roomId: ROOM, direct: true });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Hello! I am Llama, a demo and no AI\. Write to me/);
    });

    it("says nothing where the admin wants no welcome, nor does the bridge's bot", async () => {
      const world = new World(await open());
      world.welcomes = false;
      for (const ghost of [LLAMA, BOT])
        await world.conversation.joined(world.ghost(ghost), { roomId: ROOM, direct: true });
      assert.deepEqual(world.sent, []);
    });

    it("is introduced by the bridge's bot like any agent, but not in a list of bans that it follows", async () => {
      const world = new World(await open());
      await world.conversation.joined(world.ghost(BOT), { roomId: ROOM, direct: true });
      await world.conversation.joined(world.ghost(BOT), { roomId: "!group:example.test", direct: false });
      assert.deepEqual(
        world.sent.map(({ content }) => [content["msgtype"], content["body"]]),
        [
          [
            "m.notice",
            `Hello! I look after the AI agents on this homeserver. Write list to see the agents you can talk to, or help.`,
          ],
          [
            "m.notice",
            `Hello! I look after the AI agents on this homeserver. Write @agents list to see the agents you can talk to, or @agents help.`,
          ],
        ],
      );
      await world.say("`@agents list`", { to: BOT, direct: false });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Agents you can invite/);
      world.access.permissions.banLists.push(ROOM);
      await world.conversation.joined(world.ghost(BOT), { roomId: ROOM, direct: false });
      assert.equal(world.sent.length, 3);
    });

    it("takes a command that was chosen from a menu, whatever words stand beside it", async () => {
      const world = new World(await open());
      const chosen = { "org.matrix.msc4391.command": { command: "temperature", arguments: { number: "0.3" } } };
      await world.say("/temperature 0.3", { also: { ...chosen, "m.mentions": { user_ids: [LLAMA] } } });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Done\. Temperature: 0\.3/);
    });
  });

  describe("a question that failed", () => {
    /** Ends the turn of a question with a notice, as the room sees it. */
    async function fail(world: World, question: string, notice: string): Promise<void> {
      const turns = new TurnStore(world.database, sealsOf(world.database));
      const about = await turns.about(LLAMA, ROOM, question);
      assert.ok(about?.isOpen);
      await turns.note(world.database, about.turn, notice);
      await turns.finish(world.database, about.turn, { outcome: "failed", failure: "busy" });
    }

    it("is asked again by a reaction to the notice, by its asker only, and once at a time", async () => {
      const world = new World(await open());
      const question = await world.say("hello");
      await fail(world, question, "$notice");
      await world.react("$notice", "👍");
      await world.react("$notice", "🔁", BOB);
      await world.react("$notice", "🔁️");
      await world.react("$notice", "🔁");
      const asked = async (): Promise<unknown[]> =>
        (await world.turns()).map(({ kind, state }) => `${String(kind)} ${String(state)}`);
      assert.deepEqual(await asked(), ["answer failed", "again queued"]);
      await fail(world, question, "$second");
      await world.react("$notice", "▶");
      assert.deepEqual(
        await asked(),
        ["answer failed", "again failed", "again queued"],
        "there is nothing to go on with",
      );
      assert.deepEqual((await world.database.query("select * from feedback")).rows, [], "a notice is nothing to like");
    });

    it("is declined again, with a notice, when too many still wait, or a limit is reached", async () => {
      const world = new World(await open());
      const first = await world.say("one");
      for (const body of ["two", "three"]) await world.say(body);
      const declined = await world.say("four");
      await fail(world, declined, "$full");
      await world.react("$full", "🔁");
      const notice = await world.replyTo(declined);
      assert.ok(notice);
      assert.equal(failureOf(notice), "full");
      assert.match(String(notice.messages[0]?.content["body"]), /later to ask again/);
      await fail(world, declined, "$again");
      await world.answered(first);
      await world.react("$again", "🔁");
      assert.equal((await world.turns()).at(-1)?.["state"], "queued");

      const limited = new World(await open(), { limits: { user: { requests: 1 }, room: {}, server: {}, agent: {} } });
      await limited.say("one");
      const beyond = await limited.say("two");
      await fail(limited, beyond, "$limit");
      await limited.react("$limit", "🔁");
      assert.equal(failureOf(await limited.replyTo(beyond)), "limit");
    });

    it("is deleted together with the notices of its failures", async () => {
      const world = new World(await open());
      const question = await world.say("hello");
      await world.answered(question, { answers: [] });
      await world.react(question, "🔁");
      world.sentAs.set(`${question} answer.0`, "$first");
      world.sentAs.set(`${question} 1 answer.0`, "$second");
      await world.settle(world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target: question }));
      assert.deepEqual(world.redacted, ["$first", "$second"]);
    });
  });

  describe("the window of a model", () => {
    it("is as large as it was set, unless the model has less", async () => {
      for (const [known, expected] of [
        [undefined, 4_096],
        [131_072, 4_096],
        [2_048, 2_048],
      ] as const) {
        const world = new World(await open());
        world.provider.contextTokens = known;
        const turn = await world.turn(await world.say("hello"));
        assert.ok(turn);
        await world.respond(turn, true, UNSEEN, NEVER);
        assert.equal(world.provider.asked[0]?.contextTokens, expected);
        // The part of the window that the prompt leaves is for the answer.
        const { maxAnswerTokens } = world.provider.asked[0];
        assert.ok(maxAnswerTokens > expected / 2 && maxAnswerTokens < expected, String(maxAnswerTokens));
        assert.equal(world.provider.asked[0].asker, ALICE);
      }
    });
  });

  describe("an agent that makes pictures", () => {
    it("answers with a picture in its own size, and says what was asked for", async () => {
      const world = new World(await open());
      world.agent = { ...AGENT, makes: "pictures", model: "flux" };
      const question = await world.say("a cat in a hat, @room");
      const turn = await world.turn(question);
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      assert.deepEqual(
        world.provider.drawn.map(({ model, prompt }) => [model, prompt]),
        [["flux", "a cat in a hat, @room"]],
      );
      assert.deepEqual(world.uploaded, [{ bytes: PICTURE, mimetype: "image/png", form: "of_room" }]);
      assert.equal(world.provider.asked.length, 0);
      const [message] = reply.messages;
      assert.equal(message?.remembered, "(A picture: a cat in a hat, @room)");
      assert.deepEqual(message.content, {
        msgtype: "m.image",
        body: "a cat in a hat, @\u2060room",
        filename: "picture.png",
        url: "mxc://example.test/picture",
        info: { mimetype: "image/png", size: PICTURE.length, w: 3, h: 2 },
        "m.mentions": { user_ids: [ALICE] },
        "io.github.matrix-appservice-agents.exchange": { origin: question, hops: 0 },
        "m.relates_to": { "m.in_reply_to": { event_id: question } },
      });
    });
  });

  describe("a message to others in a group", () => {
    it("is context where a moderator has chosen so, and is not kept elsewhere", async () => {
      const world = new World(await open());
      const inGroup = { direct: false };
      const toMe = { ...inGroup, also: { "m.mentions": { user_ids: [LLAMA] } } };
      await world.say("nobody's business", inGroup);
      await world.say("!listen on", { ...toMe, sender: MODERATOR });
      await world.say("let us meet at noon", { ...inGroup, sender: BOB });
      await world.say("from elsewhere", { ...inGroup, sender: "@stranger:elsewhere.test" });
      const turn = await world.turn(await world.say("when do we meet?", toMe));
      assert.ok(turn);
      assert.deepEqual(await world.remembered(), ["@bob:example.test: let us meet at noon", "Alice: when do we meet?"]);
      assert.equal((await world.turns()).length, 1);
      await world.say("!listen off", { ...toMe, sender: MODERATOR });
      await world.say("and this is ours again", inGroup);
      assert.equal((await world.remembered()).length, 2);
    });
  });

  describe("a thread", () => {
    it("is a conversation of its own that begins with its first message", async () => {
      const world = new World(await open());
      const root = await world.say("about apples");
      await world.answered(root);
      await world.say("about pears");
      const thread = { "m.relates_to": { rel_type: "m.thread", event_id: root } };
      const inThread = await world.say("more of that", { also: thread });
      const turn = await world.turn(inThread);
      assert.ok(turn, "it does not wait for a question beside it");
      await world.respond(turn, true, UNSEEN, NEVER);
      const said = world.provider.asked
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content);
      assert.deepEqual(said, ["about apples", "an answer\n\nand more", "more of that"]);
      await world.say("and in a group, to nobody", { also: thread, direct: false });
      assert.equal((await world.turns()).length, 4, "the agent takes part in the thread");
    });

    it("is opened for each question in a group where a moderator has chosen so", async () => {
      const world = new World(await open());
      const toMe = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };
      await world.say("!threads on", { ...toMe, sender: MODERATOR });
      const question = await world.say("apples?", toMe);
      await world.say("pears?", toMe);
      const turn = await world.turn(question);
      assert.equal(turn?.threadRoot, question);
      const reply = await world.respond(turn, false, UNSEEN, NEVER);
      assert.deepEqual(reply.messages[0]?.content["m.relates_to"], {
        rel_type: "m.thread",
        event_id: question,
        is_falling_back: true,
        "m.in_reply_to": { event_id: question },
      });
      assert.deepEqual(
        world.provider.asked
          .at(-1)
          ?.messages.slice(1)
          .map(({ content }) => content),
        ["Alice: apples?"],
      );
      const alone = await world.say("in a direct chat");
      assert.equal((await world.turns()).find(({ event_id }) => event_id === alone)?.["thread_root"], null);
    });
  });

  describe("a reaction that comes while the end of the answer is stored", () => {
    it("counts for the answer, which is not taken for one of long ago", async () => {
      const world = new World(await open());
      const question = await world.say("what's up?");
      const isOwn = world.history.isOwn.bind(world.history);
      world.history.isOwn = async (...which) => {
        world.history.isOwn = isOwn;
        await world.answered(question);
        return isOwn(...which);
      };
      await world.react("$answer", "🔁");
      assert.deepEqual(
        world.sent.filter(({ step }) => step.endsWith("too long ago")),
        [],
      );
      assert.deepEqual(
        (await world.turns()).map(({ state, kind }) => [state, kind]),
        [
          ["answered", "answer"],
          ["queued", "again"],
        ],
      );
    });
  });

  describe("a question of long ago, whose turn is forgotten", () => {
    it("can be asked again only by a new message, as a notice says once; its deletion deletes its answer", async () => {
      const world = new World(await open());
      const thread = { "m.relates_to": { rel_type: "m.thread", event_id: "$root" } };
      const inThread = await world.say("in a thread", { also: thread });
      await world.answered(inThread, { answers: ["$threaded"] });
      const question = await world.say("what's up?");
      await world.answered(question);
      await world.database.query("update turns set finished_at = now() - interval '119 days'");
      const turns = new TurnStore(world.database, sealsOf(world.database));
      assert.equal(await turns.prune(90), 0);
      await world.database.query("update turns set finished_at = now() - interval '121 days'");
      assert.equal(await turns.prune(90), 2);

      for (const key of ["🔁", "▶️", "🛑", "👍"]) await world.react("$answer", key);
      assert.deepEqual(
        world.sent.map(({ step }) => step).filter((step) => step.endsWith("too long ago")).length > 0,
        true,
      );
      assert.match(String(world.sent.at(-1)?.content["body"]), /too long ago/);
      const edit = { "m.new_content": { msgtype: "m.text", body: "what?" } };
      const relation = { "m.relates_to": { rel_type: "m.replace", event_id: question } };
      const before = world.sent.length;
      await world.say("* what?", { sender: BOB, also: { ...edit, ...relation } });
      assert.equal(world.sent.length, before, "nobody else edits it");
      await world.say("* what?", { also: { ...edit, ...relation } });
      assert.match(String(world.sent.at(-1)?.content["body"]), /too long ago/);
      assert.ok((await world.remembered()).includes("Alice: what?"));
      assert.equal((await world.turns()).length, 0);
      await world.say("!retry");
      assert.match(String(world.sent.at(-1)?.content["body"]), /nothing here that I could answer again/);

      await world.say("and more of it, to nobody", { also: thread, direct: false });
      assert.equal((await world.turns()).length, 1, "the thread is the agent's still");
      await world.settle(world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target: question }));
      assert.deepEqual(world.redacted.toSorted(), ["$answer", "$more"]);
    });
  });

  describe("a question that is changed", () => {
    const edit = (target: string, body: string): object => ({
      "m.new_content": { msgtype: "m.text", body },
      "m.relates_to": { rel_type: "m.replace", event_id: target },
    });

    it("has its answer changed: in the same message, without parts of the old one", async () => {
      const world = new World(await open());
      const question = await world.say("waht?");
      await world.answered(question);
      await world.say("* what?", { also: edit(question, "what?") });
      const turn = await world.turn(question);
      assert.equal(turn?.kind, "edit");
      const [first = "", ...others] = await world.answering.toBeEdited(turn);
      assert.deepEqual([first, ...others], ["$answer", "$more"]);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      const drafting = await (await world.attempt(turn, true)).drafting();
      const { messages, redacts } = await drafting.finish(reply, [first, ...others]);
      assert.deepEqual(messages[0]?.content["m.relates_to"], { rel_type: "m.replace", event_id: "$answer" });
      assert.equal(messages[0].editOf, "$answer");
      assert.deepEqual(redacts, ["$more"]);
      assert.deepEqual(
        world.provider.asked
          .at(-1)
          ?.messages.slice(1)
          .map(({ content }) => content),
        ["what?"],
      );
    });

    it("while it is answered has that answer stopped, and is asked again", async () => {
      const world = new World(await open());
      const question = await world.say("waht?");
      const running = await world.turn(question);
      await world.database.query("update turns set state = 'running' where id = $1", [running?.id]);
      await world.say("* what?", { also: edit(question, "what?") });
      assert.deepEqual(world.stopped, [{ id: running?.id, keeps: true }]);
      assert.deepEqual(
        (await world.turns()).map(({ kind }) => kind),
        ["answer", "edit"],
      );
    });

    it("by being deleted has its answer deleted, and the unfinished one too", async () => {
      const world = new World(await open());
      const question = await world.say("tell me a secret");
      await world.answered(question);
      await world.react("$answer", "🔁");
      const again = await world.turn(question);
      await world.database.query("update turns set state = 'running' where id = $1", [again?.id]);
      world.sent.push({ content: {}, step: `${question} 1 draft` });
      await world.settle(world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target: question }));
      assert.deepEqual(world.redacted, ["$answer", "$more", "$sent"]);
      assert.deepEqual(world.stopped, [{ id: again?.id, keeps: false }]);
      assert.deepEqual(await world.remembered(), []);
      assert.deepEqual(await world.turns(), []);
      await assertNowhere(world.database, /a secret|an answer|and more/);
    });
  });

  describe("an answer", () => {
    async function ask(world: World, body = "how are you?"): Promise<Turn> {
      const turn = await world.turn(await world.say(body));
      return turn ?? assert.fail("no turn");
    }

    it("is asked of the agent's model together with the conversation so far", async () => {
      const world = new World(await open());
      const reply = await world.respond(await ask(world), true, UNSEEN, NEVER);
      assert.equal(reply.outcome, "answered");
      assert.deepEqual(
        reply.messages.map(({ remembered, content }) => [remembered, content["body"], content["msgtype"]]),
        [["An answer.", "An answer.", "m.text"]],
      );
      const [asked] = world.provider.asked;
      assert.equal(asked?.model, "llama3.2:3b");
      assert.equal(asked.contextTokens, 4_096);
      assert.equal(asked.temperature, 0.5);
      assert.deepEqual(asked.messages, [
        { role: "system", content: "Be brief." },
        { role: "user", content: "how are you?" },
      ]);
    });

    it("names the speakers to the model in a group", async () => {
      const world = new World(await open());
      await world.respond(await ask(world), false, UNSEEN, NEVER);
      assert.equal(world.provider.asked[0]?.messages.at(-1)?.content, "Alice: how are you?");
    });

    it("that follows its question in a direct chat quotes nothing and notifies nobody", async () => {
      for (const latest of [true, false]) {
        const world = new World(await open());
        world.latest = latest;
        const turn = await ask(world);
        const reply = await world.respond(turn, true, UNSEEN, NEVER);
        const { content = {} } = reply.messages[0] ?? {};
        assert.deepEqual(content["m.mentions"], latest ? {} : { user_ids: [ALICE] });
        assert.deepEqual(Object.keys(content["m.relates_to"] as object), [latest ? ANSWERS_FIELD : "m.in_reply_to"]);
        assert.equal(answeredEvent(content), turn.eventId);
        assert.deepEqual(exchangeMark(content), { origin: turn.eventId, hops: 0 });

        world.provider.says = () => {
          throw new ProviderError("busy", "later");
        };
        const failed = await world.respond(turn, true, UNSEEN, NEVER);
        const { content: notice = {} } = failed.messages[0] ?? {};
        assert.equal("m.in_reply_to" in (notice["m.relates_to"] as object), !latest);
        assert.deepEqual([answeredEvent(notice), exchangeMark(notice)?.origin], [turn.eventId, turn.eventId]);

        await world.say("!status");
        const status = world.sent.at(-1)?.content ?? {};
        assert.equal("m.in_reply_to" in (status["m.relates_to"] as object), !latest);
        assert.equal(exchangeMark(status)?.origin, answeredEvent(status));
      }
    });

    it("quotes the question where it is not clear: in a thread, given again, or after an edit", async () => {
      const world = new World(await open());
      world.latest = true;
      const turn = await ask(world);
      for (const other of [
        { kind: "again" },
        { kind: "continue" },
        { kind: "edit" },
        { threadRoot: "$root" },
      ] as const) {
        const reply = await world.respond({ ...turn, ...other }, true, UNSEEN, NEVER);
        const { content = {} } = reply.messages[0] ?? {};
        assert.ok("m.in_reply_to" in (content["m.relates_to"] as object), JSON.stringify(other));
        assert.deepEqual(content["m.mentions"], { user_ids: [ALICE] });
      }
    });

    it("stays at the place of its shown beginning, whatever is said meanwhile", async () => {
      for (const latest of [true, false]) {
        const world = new World(await open());
        const turn = await ask(world);
        const drafting = await (await world.attempt(turn, true)).drafting();
        // Sent while the model was being loaded.
        world.latest = latest;
        const draft = await drafting.begin("An ");
        assert.equal("m.in_reply_to" in (draft["m.relates_to"] as object), !latest);
        world.latest = !latest;
        const mentions = latest ? {} : { user_ids: [ALICE] };
        assert.deepEqual(draft["m.mentions"], mentions);
        const { "m.new_content": shown, ...edit } = await drafting.edit("$draft", "An answ");
        assert.deepEqual([edit["m.mentions"], (shown as typeof draft)["m.mentions"]], [{}, mentions]);
        const reply = await world.respond(turn, true, UNSEEN, NEVER);
        const { content = {} } = (await drafting.finish(reply, ["$draft"])).messages[0] ?? {};
        assert.deepEqual(
          [content["m.mentions"], (content["m.new_content"] as typeof draft)["m.mentions"]],
          [{}, mentions],
        );
      }
    });

    it("that a former process had begun notifies nobody again", async () => {
      const world = new World(await open());
      const turn = await ask(world);
      const drafting = await (await world.attempt(turn, true)).drafting();
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      const [message] = (await drafting.finish(reply, ["$draft"])).messages;
      assert.deepEqual(message?.content["m.mentions"], {});
    });

    it("that is too large goes out in parts, each small enough, of which the first quotes and mentions the asker", async () => {
      const world = new World(await open());
      const paragraphs = Array.from({ length: 400 }, (_, index) => `Paragraph **${index}** ${'"<&>" '.repeat(40)}`);
      world.provider.says = () => chunks(paragraphs.join("\n\n"));
      const reply = await world.respond(await ask(world), true, UNSEEN, NEVER);
      assert.ok(reply.messages.length > 1);
      for (const [index, { content }] of reply.messages.entries()) {
        assert.ok(Buffer.byteLength(JSON.stringify(content)) <= 32_000);
        assert.deepEqual(content["m.mentions"], index === 0 ? { user_ids: [ALICE] } : {});
        assert.equal("m.in_reply_to" in (content["m.relates_to"] as object), index === 0);
      }
      const said = reply.messages.map(({ remembered }) => remembered).join("\n\n");
      assert.equal(said.replace(/\s+/g, " "), paragraphs.join(" ").trim().replace(/\s+/g, " "));
    });

    it("has the model's thinking folded above it, where that is wanted, and never in its memory", async () => {
      for (const showsThinking of [true, false]) {
        const world = new World(await open(), { showsThinking });
        world.provider.says = async function* () {
          yield await Promise.resolve({ kind: "thinking", text: "hm <b> **so** @room" } as const);
          yield { kind: "text", text: "4 < 5" };
          yield { kind: "done", reason: "stop" };
        };
        const reply = await world.respond(await ask(world), true, UNSEEN, NEVER);
        const [{ content, remembered } = { content: {} }] = reply.messages;
        assert.deepEqual([content["body"], remembered], ["4 < 5", "4 < 5"]);
        assert.equal(
          content["formatted_body"],
          showsThinking
            ? "<details><summary>💭</summary><p>hm &lt;b&gt; <strong>so</strong> @\u2060room</p></details><p>4 &lt; 5</p>"
            : undefined,
        );
      }
    });

    it("that the model can't give becomes a notice that says why, and is not remembered", async () => {
      const world = new World(await open());
      const turn = await ask(world);
      world.provider.says = async function* () {
        yield await Promise.resolve({ kind: "text", text: "half an ans" } as const);
        throw new ProviderError("cut_off", "secret words of the error");
      };
      const cut = await world.respond(turn, true, UNSEEN, NEVER);
      world.provider.says = () => chunks("  \n ");
      const empty = await world.respond(turn, true, UNSEEN, NEVER);
      world.agent = { ...AGENT, provider: "gone" };
      const gone = await world.respond(turn, true, UNSEEN, NEVER);
      world.agent = undefined;
      const nobody = await world.respond(turn, true, UNSEEN, NEVER);
      assert.deepEqual(
        [cut, empty, gone, nobody].map((reply) => `${reply.outcome} ${failureOf(reply) ?? ""}`),
        ["failed cut_off", "failed empty", "failed gone", "failed gone"],
      );
      for (const { messages } of [cut, empty, gone, nobody, await world.answering.giveUp(turn, "unknown")]) {
        assert.equal(messages.length, 1);
        assert.equal(messages[0]?.content["msgtype"], "m.notice");
        assert.equal(messages[0].remembered, undefined);
        assert.doesNotMatch(JSON.stringify(messages), /half an ans|secret words/);
      }
    });

    it("that is interrupted by a stop, or by a fault of ours, is none", async () => {
      const world = new World(await open());
      const turn = await ask(world);
      const stopping = new AbortController();
      world.provider.says = async function* () {
        stopping.abort();
        yield await Promise.resolve({ kind: "text", text: "x" } as const);
        throw new ProviderError("cancelled", "stopped");
      };
      await assert.rejects(world.respond(turn, true, UNSEEN, stopping.signal), ProviderError);
      world.provider.says = () => {
        throw new TypeError("a mistake of ours");
      };
      await assert.rejects(world.respond(turn, true, UNSEEN, NEVER), TypeError);
    });
  });
});
