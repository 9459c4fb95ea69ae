import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import {
  json,
  openAi,
  startModelServer,
  type ModelServer,
  type Reply,
  type SeenRequest,
} from "../support/model-server.ts";
import type { Message, User } from "../support/user.ts";

interface Asked {
  readonly model: string;
  readonly temperature?: number;
  readonly max_tokens?: number;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

function read({ text }: SeenRequest): Asked {
  // In the form on the wire; the text is UTF-8.
  return JSON.parse(Buffer.from(text, "latin1").toString()) as Asked;
}

/** The real output of model servers, by the numbers of their list: on a real Synapse, with a real client, encrypted. */
describe("the real output of model servers", () => {
  let server: ModelServer;
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  /** The next answers, one for each question; a default answer when there are no more. */
  let replies: ((asked: Asked) => Reply)[] = [];
  const asked: Asked[] = [];

  before(async () => {
    server = await startModelServer();
    server.on(openAi.path, (request) => {
      const question = read(request);
      asked.push(question);
      return (replies.shift() ?? (() => ({ parts: openAi.answer("Yes, ", "indeed.") })))(question);
    });
    server.on("/v1/models", json({ data: [{ id: "talker" }, { id: "BAAI/bge-m3" }, { id: "some-reranker" }] }));
    const openai = { type: "openai", url: `${server.url}/v1`, locality: "local" } as const;
    deployment = await startDeployment({
      providers: {
        lab: { ...openai, discover: true },
        slow: { ...openai, max_concurrent: 1, first_token_timeout: "1s" },
      },
      agents: {
        cloudy: { provider: "lab", model: "gpt-oss:120b-cloud", display_name: "Cloudy" },
        tortoise: { provider: "slow", model: "tortoise", display_name: "Tortoise" },
        max: { provider: "lab", model: "max-7b", display_name: "Max", temperature: 0.3, context_tokens: 4096 },
      },
      extraConfig: { answers: { command_menus: false } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("max");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const where = ({ content }: Message): boolean => content["msgtype"] === "m.notice";
    await alice.waitMessage({ roomId, sender: agent, where });
    // A summary beside the conversation would ask the model in between.
    await ask("!summaries off");
  });
  after(async () => {
    await deployment.stop();
    await server.close();
  });
  beforeEach(() => {
    replies = [];
    asked.length = 0;
  });

  /** The agent's next finished message: drafts are edited until then. */
  async function ask(body: string): Promise<Message> {
    const question = await alice.sendText({ roomId, body });
    return alice.waitMessage({ roomId, sender: agent, after: question });
  }
  const error = (status: number, message: string, more: object = {}): Reply =>
    json({ error: { message, type: "BadRequestError", code: status, ...more } }, status);

  it("1: a template that accepts only alternating roles gets no others, whatever happened before", async () => {
    const strict = ({ messages }: Asked): Reply => {
      const roles = messages.map(({ role }) => role).filter((role, at) => !(role === "system" && at === 0));
      const isGood =
        roles.every((role, at) => role === (at % 2 === 0 ? "user" : "assistant")) && roles.at(-1) === "user";
      return isGood
        ? { parts: openAi.answer("Good.") }
        : error(400, "Conversation roles must alternate user/assistant/…");
    };
    replies = [() => error(500, "no"), () => error(500, "no"), strict, strict, strict];
    await ask("one");
    await ask("two");
    for (const body of ["three", "four", "five"]) assert.match((await ask(body)).body, /Good\./, body);
  });

  it("2: a prompt that is too long is sent again with less, and from then on is short enough", async () => {
    const limit = 2_048;
    const small = ({ messages }: Asked): Reply => {
      const length = messages.reduce((sum, { content }) => sum + String(content).length, 0);
      return length / 4 > limit
        ? error(400, "the request exceeds the available context size. try increasing the context size", {
            type: "exceed_context_size_error",
            n_prompt_tokens: Math.round(length / 4),
            n_ctx: limit,
          })
        : { parts: openAi.answer("Short enough.") };
    };
    replies = Array<typeof small>(8).fill(small);
    for (let part = 0; part < 3; part++) await ask(`part ${part}: ${"some words of a long story ".repeat(150)}`);
    const before = asked.length;
    assert.match((await ask("and now?")).body, /Short enough/);
    assert.equal(asked.length - before, 1, "the learnt limit is kept");
    assert.ok(asked.length > 4, "it was refused once");
  });

  it("4: a parameter that a model refuses is left out, and the question is answered", async () => {
    const picky = ({ temperature }: Asked): Reply =>
      temperature === undefined
        ? { parts: openAi.answer("Without it.") }
        : error(400, "Unsupported value: 'temperature' does not support 0.3 with this model.", {
            param: "temperature",
          });
    replies = [picky, picky, picky];
    assert.match((await ask("picky?")).body, /Without it/);
    assert.match((await ask("still?")).body, /Without it/);
    assert.equal(asked.length, 3);
  });

  it("6: a name at the beginning of a sentence stays in it", async () => {
    await ask("Max or Moritz, who was the elder?");
    assert.match(JSON.stringify(asked.at(-1)?.messages.at(-1)), /Max or Moritz, who was the elder/);
  });

  it("7: thinking in the text is shown nowhere, and never given back to the model", async () => {
    replies = [
      () => ({
        parts: openAi.answer("<thi", "nk>The user is a secret agent", ".</th", "ink>\n\n", "Good ", "day."),
        pauseMs: 100,
      }),
    ];
    assert.equal((await ask("hello?")).body, "Good day.");
    await ask("and?");
    assert.doesNotMatch(JSON.stringify(asked.at(-1)), /secret agent/);
    for (const { content } of alice.events(roomId).filter(({ sender }) => sender === agent)) {
      assert.doesNotMatch(JSON.stringify(content), /secret agent|think>/);
    }
  });

  it("8: odd pieces spoil no answer", async () => {
    const [begin, ...rest] = openAi.answer("All ", "is well.");
    const odd = ['data: {"choices":null,"usage":null}\n\n', "data: null\n\n", "data:\n\n", 'data: {"choices":[]}\n\n'];
    replies = [() => ({ parts: [begin ?? "", ...rest.flatMap((piece) => [...odd, piece])] })];
    assert.equal((await ask("odd?")).body, "All is well.");
  });

  it("9: the way in which an answer ended is said below it", async () => {
    const ending = (text: string, reason: string) => (): Reply => ({
      parts: [openAi.begin(), openAi.text(text), ...openAi.end(reason)],
    });
    replies = [ending("Once upon", "length"), ending("First,", "content_filter")];
    assert.match((await ask("a tale")).body, /^Once upon[^]*Cut off at the limit[^]*▶/);
    assert.match((await ask("a recipe")).body, /^First,[^]*rules of “lab”/);
  });

  it("10: a server that is loading its model is asked again", async () => {
    replies = [() => error(503, "Loading model", { type: "unavailable_error" })];
    assert.match((await ask("awake?")).body, /Yes, indeed/);
    assert.equal(asked.length, 2);
  });

  it("10: an account without credit is reported as that, and not asked again", async () => {
    replies = [
      () => error(429, "You exceeded your current quota", { type: "insufficient_quota", code: "insufficient_quota" }),
    ];
    assert.match((await ask("rich?")).body, /no credit left/);
    assert.equal(asked.length, 1);
  });

  it("11: the answer so far stays when words and an error come in one packet", async () => {
    const broken = `${openAi.begin()}${openAi.text("The half of it")}data: ${JSON.stringify({ error: { message: "x", code: 500 } })}\n\n`;
    replies = [() => ({ parts: [broken] })];
    const question = await alice.sendText({ roomId, body: "half?" });
    await alice.waitMessage({
      roomId,
      sender: agent,
      after: question,
      where: ({ body }) => body.includes("The half of it"),
    });
    await alice.waitMessage({
      roomId,
      sender: agent,
      after: question,
      where: ({ body }) => body.includes("could not run"),
    });
  });

  it("12: a model that only embeds or ranks is no agent", async () => {
    const { body } = await ask("!list");
    assert.match(body, /Talker/);
    assert.doesNotMatch(body, /bge|rerank/i);
  });

  it("20: a model of Ollama's cloud is asked nothing from an encrypted room, nor is its server asked about it", async () => {
    const cloudy = deployment.agent("cloudy");
    const chat = await alice.createRoom({ direct: true, invite: [cloudy] });
    await alice.waitMember(chat, cloudy);
    const before = server.requests.length;
    const question = await alice.sendText({ roomId: chat, body: "the password is swordfish" });
    const where = ({ body }: Message): boolean => body.includes("ollama.com");
    await alice.waitMessage({ roomId: chat, sender: cloudy, after: question, where });
    const sent = server.requests.slice(before).filter(({ text }) => /swordfish|120b/.test(text));
    assert.deepEqual([sent.length, asked.length], [0, 0]);
  });

  it("17: few words, and words of commands, do not decide the language", async () => {
    const full = (): Reply => error(402, "Insufficient Balance");
    replies = [full, full];
    for (const body of ["die hard", "list files in die folder"]) assert.match((await ask(body)).body, /no credit left/);
  });

  it("22: an answer that repeats itself is ended, and a note says so", async () => {
    replies = [
      () => ({
        parts: (function* () {
          yield openAi.begin();
          for (;;) yield openAi.text("I can't do that. ");
        })(),
      }),
    ];
    assert.match((await ask("can you?")).body, /^I can't do that\.[^]*began to repeat itself/);
  });

  it("23: a connection that breaks before the first word is tried again", async () => {
    replies = [() => ({ parts: [openAi.begin()], then: "cut" })];
    assert.match((await ask("there?")).body, /Yes, indeed/);
    assert.equal(asked.length, 2);
  });

  it("24: an agent's name stays with its model, whichever provider is away at a start", async () => {
    const talker = deployment.agent("talker");
    const chat = await alice.createRoom({ direct: true, invite: [talker] });
    await alice.waitMember(chat, talker);
    server.on("/v1/models", { status: 503, parts: ["{}"] });
    await deployment.stopBridge();
    await deployment.startBridge();
    const question = await alice.sendText({ roomId: chat, body: "still you?" });
    const where = ({ body }: Message): boolean => body === "Yes, indeed.";
    await alice.waitMessage({ roomId: chat, sender: talker, after: question, where });
    assert.equal(asked.at(-1)?.model, "talker");
  });

  it("25: two people who ask a server that answers one at a time both get answers, however long the first one takes", async () => {
    let running = 0;
    let most = 0;
    const slow = (): Reply => ({
      parts: (function* () {
        most = Math.max(most, ++running);
        const parts = [...openAi.answer(..."one word after the other ".split(/(?<= )/))];
        const last = parts.pop() ?? "";
        yield* parts;
        // With its last part the answer is over for requests that wait for a place.
        running--;
        yield last;
      })(),
      pauseMs: 300,
    });
    replies = [slow, slow];
    const tortoise = deployment.agent("tortoise");
    const rooms = await Promise.all([1, 2].map(() => alice.createRoom({ direct: true, invite: [tortoise] })));
    for (const room of rooms) await alice.waitMember(room, tortoise);
    const questions: (readonly [string, string])[] = [];
    for (const room of rooms) questions.push([room, await alice.sendText({ roomId: room, body: "slowly" })]);
    for (const [room, after] of questions) {
      const where = ({ body }: Message): boolean => body === "one word after the other";
      await alice.waitMessage({ roomId: room, sender: tortoise, after, where });
    }
    assert.deepEqual([most, asked.length], [1, 2]);
  });
});
