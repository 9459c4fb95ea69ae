import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseContent } from "../../../src/matrix/received-content.ts";
import { parseRelation } from "../../../src/matrix/relation.ts";
import type { RespondMode } from "../../../src/rooms/settings.ts";
import { namesOf } from "../../../src/addressing/candidate.ts";
import { classifyMessage, type MessageClass } from "../../../src/addressing/addressing.ts";

const LLAMA = "@agent_llama:example.org";
const MAX = "@agent_max:example.org";
const OWN_MESSAGE = "$said-by-llama";

function decide(
  content: Record<string, unknown>,
  options: {
    direct?: boolean;
    sender?: string;
    names?: string[];
    respond?: RespondMode;
    inThread?: boolean;
    encrypted?: boolean;
    cloud?: boolean;
  } = {},
): MessageClass {
  return classifyMessage(
    {
      eventId: "$question",
      roomId: "!room:example.org",
      sender: options.sender ?? "@alice:example.org",
      sentAt: 1,
      content: parseContent("m.room.message", { msgtype: "m.text", ...content }),
      encrypted: options.encrypted ?? false,
    },
    {
      userId: LLAMA,
      names: options.names ?? [LLAMA, "agent_llama", "Llama"],
      others: [{ userId: MAX, names: ["Max"] }],
      direct: options.direct ?? false,
      respond: options.respond ?? "mention",
      inThread: options.inThread ?? false,
      cloud: options.cloud ?? false,
    },
    (userId) => userId.startsWith("@agent_"),
    (eventId) => eventId === OWN_MESSAGE,
  );
}

function textOf(decision: MessageClass): string | undefined {
  return decision.kind === "addressed" ? decision.text : undefined;
}

describe("the relation of an encrypted message, outside of the ciphertext", () => {
  const reply = { "m.relates_to": { "m.in_reply_to": { event_id: OWN_MESSAGE } } };
  const thread = { "m.relates_to": { rel_type: "m.thread", event_id: OWN_MESSAGE } };
  const toNobody = { body: "an aside to bob", "m.mentions": {} };
  const toIt = { body: "a question", "m.mentions": { user_ids: [LLAMA] } };

  it("makes no question of words to somebody else, nor of words that a cloud model would hear", () => {
    for (const cloud of [true, false]) {
      const kindOf = (content: Record<string, unknown>, encrypted = true): string => {
        const inThread = content["m.relates_to"] === thread["m.relates_to"];
        return decide(content, { encrypted, cloud, respond: "thread", inThread }).kind;
      };
      assert.equal(kindOf({ ...toNobody, ...reply }), "overheard");
      assert.equal(kindOf({ ...toNobody, ...thread }), cloud ? "overheard" : "addressed");
      for (const relation of [reply, thread]) {
        assert.equal(kindOf({ ...toIt, ...relation }), "addressed");
        assert.equal(kindOf({ body: "Llama, a question", "m.mentions": {}, ...relation }), "addressed");
        assert.equal(kindOf({ body: "from a client that names nobody", ...relation }), "addressed");
        assert.equal(kindOf({ ...toNobody, ...relation }, false), "addressed", "in clear all of it is");
      }
    }
    assert.equal(decide({ ...toNobody, ...reply }, { encrypted: true, cloud: true, direct: true }).kind, "addressed");
    assert.equal(
      decide({ ...toNobody, ...thread }, { encrypted: true, cloud: true, respond: "all" }).kind,
      "addressed",
    );
  });
});

describe("in a group an agent is addressed by", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["a mention", { body: "what do you think?", "m.mentions": { user_ids: [LLAMA] } }, "what do you think?"],
    ["a mention among others", { body: "hm?", "m.mentions": { user_ids: ["@bob:a.b", LLAMA] } }, "hm?"],
    ["its name and a colon", { body: "Llama: hello" }, "hello"],
    ["its name and a comma", { body: "llama, hello" }, "hello"],
    ["its name alone at the start", { body: "LLAMA what is this" }, "LLAMA what is this"],
    ["its name with @", { body: "@Llama hello" }, "hello"],
    ["nothing but its name", { body: "Llama?" }, "Llama?"],
    ["its user id", { body: `${LLAMA}: hello` }, "hello"],
    ["its localpart", { body: "agent_llama hello" }, "agent_llama hello"],
    [
      "its name in front of somebody else's mention",
      { body: "Llama, who is Bob?", "m.mentions": { user_ids: ["@bob:a.b"] } },
      "who is Bob?",
    ],
    ["a pill", { body: "L: hi", formatted_body: `<a href="https://matrix.to/#/${LLAMA}">L</a>: hi` }, "hi"],
    [
      "an encoded pill",
      {
        body: "L: hi",
        formatted_body: `<p><a href='https://matrix.to/#/${encodeURIComponent(LLAMA)}?via=a'>L</a></p>`,
      },
      "hi",
    ],
    [
      "a reply to its message",
      { body: "and why?", "m.relates_to": { "m.in_reply_to": { event_id: OWN_MESSAGE } } },
      "and why?",
    ],
    [
      "a reply with the quote of old clients",
      {
        body: "> <@agent_llama:example.org> I said\n> this\n\nand why?",
        "m.relates_to": { "m.in_reply_to": { event_id: OWN_MESSAGE } },
      },
      "and why?",
    ],
    [
      "its name by @ among other agents', one of whom is mentioned",
      { body: "@llama @max hello", "m.mentions": { user_ids: [MAX] } },
      "hello",
    ],
    ["a list of names", { body: "Max, Llama: hello" }, "hello"],
    [
      "pills of several agents",
      {
        body: "Max Llama: hello",
        formatted_body: `<a href="https://matrix.to/#/${MAX}">Max</a> <a href="https://matrix.to/#/${LLAMA}">Llama</a>: hello`,
        "m.mentions": { user_ids: [MAX, LLAMA] },
      },
      "hello",
    ],
    [
      "a pill after the words",
      {
        body: "what is X, Llama?",
        formatted_body: `what is X, <a href="https://matrix.to/#/${LLAMA}">Llama</a>?`,
        "m.mentions": { user_ids: [LLAMA] },
      },
      "what is X?",
    ],
    ["an emote that names it", { msgtype: "m.emote", body: "Llama, smile" }, "smile"],
  ];
  for (const [name, content, text] of cases) {
    it(name, () => assert.equal(textOf(decide(content)), text));
  }

  it("the names of a discovered model, its own included", () => {
    const config = { locality: "local", contextTokens: 1, makes: "text" } as const;
    const agent = {
      ...config,
      provider: "p",
      name: "llama3.2-3b",
      localpart: "agent_llama3.2-3b",
      displayName: "Llama 3.2 (3B)",
      modelNames: ["llama3.2:3b"],
    };
    const names = namesOf("@agent_llama3.2-3b:example.org", agent);
    for (const name of ["Llama 3.2 (3B)", "llama 3.2 (3b)", "llama3.2:3b", "llama3.2-3b", "@agent_llama3.2-3b"]) {
      assert.equal(textOf(decide({ body: `${name}: hi` }, { names })), "hi", name);
    }
    const other = namesOf("@agent_llama3.2:example.org", {
      ...agent,
      name: "llama3.2",
      displayName: "Llama 3.2",
      modelNames: [],
    });
    assert.equal(textOf(decide({ body: "Llama 3.2 (3B): hi" }, { names: other })), undefined);
    assert.equal(textOf(decide({ body: "Llama 3.2: hi" }, { names: other })), "hi");
  });

  it("names in any script and spelling", () => {
    for (const name of ["Лама", "美洲驼", "لاما", "Agent Smith", "C++ (beta)", "e\u0301mile", "llama3.2-3b"]) {
      assert.equal(textOf(decide({ body: `${name}: hi` }, { names: [name.normalize("NFC")] })), "hi", name);
    }
  });
});

describe("in a group an agent is not addressed by", () => {
  const cases: [string, Record<string, unknown>][] = [
    ["@room", { body: "@room dinner", "m.mentions": { room: true } }],
    ["words about it", { body: "I like Llama a lot" }],
    ["words to another agent about it", { body: "Max, Llama is a model, isn't it?" }],
    ["its name at the end, where it is not mentioned", { body: "what is X, @llama?" }],
    ["a word that begins like its name", { body: "Llamas are animals" }],
    ["a name that begins like its own", { body: "llama3.2-3b: hello" }],
    ["its name with a possessive", { body: "llama's fur is soft" }],
    [
      "its name where another agent is mentioned",
      { body: "Llama is nice, isn't it?", "m.mentions": { user_ids: [MAX] } },
    ],
    ["a pill in the middle", { body: "ask L", formatted_body: `ask <a href="https://matrix.to/#/${LLAMA}">L</a>` }],
    ["a pill of another", { body: "M: hi", formatted_body: `<a href="https://matrix.to/#/${MAX}">M</a>: hi` }],
    ["a reply to somebody else", { body: "yes", "m.relates_to": { "m.in_reply_to": { event_id: "$other" } } }],
    [
      "a thread's fallback to its message",
      {
        body: "x",
        "m.relates_to": {
          rel_type: "m.thread",
          event_id: "$root",
          is_falling_back: true,
          "m.in_reply_to": { event_id: OWN_MESSAGE },
        },
      },
    ],
    ["invalid mentions", { body: "hi", "m.mentions": { user_ids: LLAMA } }],
    ["a broken pill", { body: "x", formatted_body: '<a href="https://matrix.to/#/%E0%A4%A">x</a>' }],
    ["an empty body", { body: "  ", "m.mentions": { user_ids: [LLAMA] } }],
    ["a body that is no text", { body: 7, "m.mentions": { user_ids: [LLAMA] } }],
    ["an image", { msgtype: "m.image", body: "Llama.png", "m.mentions": { user_ids: [LLAMA] } }],
    ["a message without a type", { msgtype: undefined, body: "Llama: hi" }],
  ];
  for (const [name, content] of cases) {
    it(name, () => assert.equal(["ignored", "overheard"].includes(decide(content).kind), true));
  }
});

describe("in a direct chat", () => {
  it("every message is for the agent", () => {
    assert.equal(textOf(decide({ body: "hello" }, { direct: true })), "hello");
  });

  it("a notice is not, nor a message of another bridge's agent, even when it mentions", () => {
    const mention = { "m.mentions": { user_ids: [LLAMA] } };
    assert.deepEqual(decide({ msgtype: "m.notice", body: "x", ...mention }, { direct: true }), {
      kind: "ignored",
      reason: "a notice",
    });
    assert.deepEqual(decide({ msgtype: "m.notice", body: "x", ...mention }, { direct: true, sender: MAX }), {
      kind: "ignored",
      reason: "a notice",
    });
    const mark = { "io.github.matrix-appservice-agents.exchange": { origin: "$q", hops: 0 } };
    assert.deepEqual(decide({ body: "x", ...mention, ...mark }, { direct: true }), {
      kind: "ignored",
      reason: "an agent elsewhere",
    });
  });

  it("another agent's message is, in its final form only, and asks only the agent that it mentions", () => {
    const said = { body: "x", "m.mentions": { user_ids: [LLAMA] } };
    const mark = { origin: "$q", hops: 1, thread: "$root" };
    const marked = { "io.github.matrix-appservice-agents.exchange": mark };
    const agent = { kind: "agent", eventId: "$question", text: "x", threadRoot: undefined, mark: undefined };
    assert.deepEqual(decide(said, { sender: MAX, direct: true }), { ...agent, isMentioned: true });
    assert.deepEqual(decide({ body: "x" }, { sender: MAX, direct: true }), { ...agent, isMentioned: false });
    const live = { "org.matrix.msc4357.live": {} };
    assert.deepEqual(decide({ ...said, ...live }, { sender: MAX }), { kind: "ignored", reason: "a draft" });
    const edit = {
      body: "* x",
      "m.mentions": {},
      "m.new_content": { ...said, ...marked },
      "m.relates_to": { rel_type: "m.replace", event_id: "$draft" },
    };
    assert.deepEqual(decide({ ...edit, ...live }, { sender: MAX }), { kind: "ignored", reason: "a draft" });
    assert.deepEqual(decide(edit, { sender: MAX }), {
      ...agent,
      eventId: "$draft",
      threadRoot: "$root",
      isMentioned: true,
      mark,
    });
    for (const bad of [null, 7, {}, { origin: 1, hops: 0 }, { origin: "$q", hops: -1 }, { origin: "$q", hops: 0.5 }]) {
      const content = { ...said, "io.github.matrix-appservice-agents.exchange": bad };
      assert.deepEqual(decide(content, { sender: MAX }), { ...agent, isMentioned: true });
    }
  });

  it("an edit changes the message, and says whether it now calls the agent", () => {
    const edit = {
      body: "* Llama: new",
      "m.new_content": { msgtype: "m.text", body: "Llama: new" },
      "m.relates_to": { rel_type: "m.replace", event_id: "$old" },
      "m.mentions": { user_ids: [LLAMA] },
    };
    assert.deepEqual(decide(edit, { direct: true }), {
      kind: "edit",
      target: "$old",
      text: "new",
      calls: true,
    });
    for (const [body, mentions, calls] of [
      ["Llama: new", undefined, true],
      ["@llama. new", undefined, true],
      ["new", { user_ids: [LLAMA] }, true],
      ["new", { user_ids: [MAX] }, false],
      ["new", { room: true }, false],
      ["new about Llama", undefined, false],
    ] as const) {
      const anew = { msgtype: "m.text", body, ...(mentions === undefined ? {} : { "m.mentions": mentions }) };
      const decision = decide({ ...edit, "m.new_content": anew, "m.mentions": {} });
      assert.equal(decision.kind === "edit" && decision.calls, calls, body);
    }
    assert.equal(decide({ ...edit, "m.new_content": "x" }, { direct: true }).kind, "ignored");
  });

  it("a thread is recognised by its root", () => {
    const relation = {
      rel_type: "m.thread",
      event_id: "$root",
      is_falling_back: true,
      "m.in_reply_to": { event_id: "$last" },
    };
    const decision = decide({ body: "hi", "m.relates_to": relation }, { direct: true });
    assert.deepEqual(decision, { kind: "addressed", text: "hi", threadRoot: "$root" });
    assert.equal(parseRelation(relation).repliesTo, undefined);
    assert.equal(parseRelation({ ...relation, is_falling_back: false }).repliesTo, "$last");
  });

  it("nothing that a relation holds breaks the decision", () => {
    for (const relation of [
      7,
      "x",
      null,
      [],
      { rel_type: "m.thread" },
      { "m.in_reply_to": 7 },
      { rel_type: "m.replace" },
    ]) {
      assert.doesNotThrow(() => decide({ body: "hi", "m.relates_to": relation }, { direct: true }));
    }
  });
});

describe("an invalid event id", () => {
  const strange = ["", ".", "..", "/", "$".concat("a".repeat(255)), `$${"é".repeat(130)}`, "a".repeat(17_000)];
  for (const id of [...strange, `$${"a".repeat(17_000)}`, "event", "!room:a.b", "$a\0", "$\ud800", 5, null, {}]) {
    it(`counts as no reply, no edit and no thread: ${JSON.stringify(id).slice(0, 20)}`, () => {
      const said = { body: "Llama: hi", "m.new_content": { msgtype: "m.text", body: "Llama: hi" } };
      for (const direct of [true, false]) {
        const edit = { ...said, "m.relates_to": { rel_type: "m.replace", event_id: id } };
        assert.equal(decide(edit, { direct }).kind, "ignored");
        assert.equal(decide(edit, { direct, sender: MAX }).kind, "ignored");
        const thread = { body: "Llama: hi", "m.relates_to": { rel_type: "m.thread", event_id: id } };
        assert.deepEqual(decide(thread, { direct }), { kind: "addressed", text: "hi", threadRoot: undefined });
        assert.equal(parseRelation(thread["m.relates_to"]).threadRoot, undefined);
        assert.equal(parseRelation({ "m.in_reply_to": { event_id: id } }).repliesTo, undefined);
      }
    });
  }

  it("is not one with 255 bytes", () => {
    const longest = `$${"a".repeat(254)}`;
    assert.equal(parseRelation({ "m.in_reply_to": { event_id: longest } }).repliesTo, longest);
  });
});

describe("a message to nobody in a group", () => {
  const cases: [RespondMode, boolean, boolean][] = [
    ["mention", false, false],
    ["mention", true, false],
    ["thread", false, false],
    ["thread", true, true],
    ["all", false, true],
    ["all", true, true],
  ];
  for (const [respond, inThread, expected] of cases) {
    const place = inThread ? "in a thread of the agent's" : "beside its threads";
    it(`is ${expected ? "" : "not "}for an agent that responds to ${respond}, ${place}`, () => {
      assert.equal(decide({ body: "and?" }, { respond, inThread }).kind, expected ? "addressed" : "overheard");
    });
  }

  it("is not for an agent that listens, when it names somebody else or notifies the room", () => {
    for (const mentions of [{ user_ids: ["@bob:a.b"] }, { user_ids: [MAX] }, { room: true }]) {
      const decision = decide({ body: "look", "m.mentions": mentions }, { respond: "all", inThread: true });
      assert.equal(decision.kind, "overheard");
    }
  });
});

describe("a draft", () => {
  it("is not acted on, nor an edit of it, until it is whole", () => {
    const live = { "org.matrix.msc4357.live": {} };
    const edit = { "m.new_content": { body: "hel" }, "m.relates_to": { rel_type: "m.replace", event_id: "$draft" } };
    assert.deepEqual(decide({ body: "he", ...live }, { direct: true }), { kind: "ignored", reason: "a draft" });
    assert.deepEqual(decide({ body: "* hel", ...live, ...edit }, { direct: true }).kind, "ignored");
    assert.equal(decide({ body: "* hel", ...edit }, { direct: true }).kind, "edit");
  });
});
