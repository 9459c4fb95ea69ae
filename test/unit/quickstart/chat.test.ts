import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { afterEach, describe, it, mock } from "node:test";
import { runChat } from "../../../quickstart/chat.ts";
import { EmulatedOutput } from "../../support/emulator.ts";
import { eventually } from "../../support/eventually.ts";
import { ScriptedChat } from "../../support/scripted-chat.ts";

const PROOF =
  "proof: room !r: encrypted with megolm · agent's device DEVICE · " +
  "signed by its owner @agent_whale:localhost (cross-signed)";

const [LEFT, UP, END_OF_INPUT, INTERRUPT] = ["\x1b[D", "\x1b[A", "\x04", "\x03"] as const;
const PROMPT = "you> ";

/** The chats that a test has started. */
const chats: { readonly ended: Promise<void>; readonly end: () => void }[] = [];

afterEach(async () => {
  for (const { end } of chats) end();
  await Promise.all(chats.splice(0).map(({ ended }) => ended));
});

/** A chat on a terminal, with somebody who types. */
function onTerminal({ columns = 60, rows = 24, timeoutMs = 60_000 } = {}) {
  const chat = new ScriptedChat();
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const output = new EmulatedOutput({ columns, rows });
  const { emulator } = output;
  const interrupted = new AbortController();
  const onInterrupt = (): void => interrupted.abort();
  const ended = runChat(chat, { input, output, timeoutMs, signal: interrupted.signal, onInterrupt });
  chats.push({ ended, end: onInterrupt });
  // So that no answer counts as final, and is proven, before the test says that the partner has stopped typing.
  chat.typing = true;
  const type = (keys: string): unknown => input.write(keys);
  return {
    chat,
    emulator,
    ended,
    type,
    resize: (size: { columns: number; rows: number }) => output.resize(size),
    asks: async (text: string): Promise<string> => {
      const before = chat.said.length;
      type(`${text}\r`);
      await eventually("the question to be said", () => chat.said.length > before);
      return `$q${before + 1}`;
    },
    shows: async (...lines: string[]): Promise<void> => {
      const isShown = async (): Promise<boolean> => (await emulator.lines()).join("\n") === lines.join("\n");
      await eventually("the terminal to show it", isShown, { timeoutMs: 2_000 }).catch(async () => {
        assert.deepEqual(await emulator.lines(), lines);
      });
    },
  };
}

describe("the chat on a terminal", () => {
  it("shows one growing answer, the proof after its end, and the prompt below", async () => {
    const { chat, asks, shows, type, ended } = onTerminal();
    await shows(PROMPT);
    const question = await asks("tell me about whales");
    chat.types(true);
    await shows("you> tell me about whales", "Whale is typing …", PROMPT);
    const answer = chat.drafts("Whales are", question);
    await shows("you> tell me about whales", "Whale: Whales are …", PROMPT);
    chat.drafts("Whales are large", question, answer);
    await shows("you> tell me about whales", "Whale: Whales are large …", PROMPT);
    chat.answers("Whales are large.", question, answer);
    chat.types(false);
    await shows("you> tell me about whales", "Whale: Whales are large.", PROOF, PROMPT);
    assert.deepEqual(chat.proven, [["$q1", "$a3"]]);
    type(END_OF_INPUT);
    await ended;
    await shows("you> tell me about whales", "Whale: Whales are large.", PROOF);
  });

  it("shows the end of an answer that is taller than the screen, and all of it once it is complete", async () => {
    const { chat, asks, shows, emulator } = onTerminal({ rows: 12 });
    const question = await asks("count");
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i + 1}`);
    const answer = chat.drafts(lines.slice(0, 3).join("\n"), question);
    for (let shown = 10; shown < 100; shown += 10) {
      chat.drafts(lines.slice(0, shown).join("\n"), question, answer);
      const screen = await emulator.lines();
      assert.ok(screen.length <= 12, screen.join("\n"));
      assert.deepEqual(screen.slice(-3), [`line ${shown - 1}`, `line ${shown} …`, PROMPT]);
      assert.match(screen[1] ?? "", /^⋮/);
    }
    chat.answers(lines.join("\n"), question, answer);
    await shows("you> count", "Whale: line 1", ...lines.slice(1), PROMPT);
  });

  for (const [what, text] of [
    ["wide characters", "鯨は大きい海の動物です。".repeat(12)],
    ["emoji", "🐋👋🏽👨‍👩‍👧🇩🇪❤️".repeat(15)],
    ["combining characters", "e\u0301a\u0308\u0323".repeat(60)],
    ["tabs", "a\tb\tc\t".repeat(12)],
    ["a long word", "whale".repeat(60)],
    ["rows that are just full", `${"x".repeat(53)}\n${"y".repeat(60)}\n${"z".repeat(120)}\n\nend`],
    ["right to left", "לווייתנים הם יונקים ימיים ".repeat(8)],
    ["empty lines", "a\n\n\n\nb\n\n"],
  ] as const) {
    it(`redraws an answer that holds ${what}`, async () => {
      const { chat, asks, emulator } = onTerminal({ columns: 60, rows: 24 });
      const question = await asks("go");
      const answer = chat.drafts(text.slice(0, 10).toWellFormed(), question);
      for (let length = 20; length < text.length; length += 20) {
        chat.drafts(text.slice(0, length).toWellFormed(), question, answer);
        const screen = await emulator.screen();
        assert.deepEqual(
          [screen.filter((row) => row.startsWith("Whale:")).length, screen.filter((row) => row === "you>").length],
          [1, 1],
          screen.join("\n"),
        );
        assert.equal(screen[0], "you> go");
        assert.ok(screen[1]?.startsWith("Whale:"));
      }
      chat.answers(text, question, answer);
      const whole = onTerminal({ columns: 60, rows: 24 });
      whole.chat.answers(text, await whole.asks("go"));
      await eventually("it to be shown", async () => (await whole.emulator.lines()).length > 2);
      assert.deepEqual(await emulator.lines(), await whole.emulator.lines());
    });
  }

  it("keeps the text that is being typed, wherever the cursor is", async () => {
    const { chat, asks, shows, type, emulator } = onTerminal({ columns: 30 });
    const question = await asks("one");
    const answer = chat.drafts("a", question);
    type("and then what");
    await shows("you> one", "Whale: a …", "you> and then what");
    type(LEFT.repeat(4));
    chat.drafts("a b", question, answer);
    await shows("you> one", "Whale: a b …", "you> and then what");
    assert.deepEqual(await emulator.cursor(), { row: 2, column: 14 });
    type("and there ".repeat(6));
    chat.drafts("a b c", question, answer);
    const typed = `you> and then ${"and there ".repeat(6)}what`;
    await shows("you> one", "Whale: a b c …", typed);
    chat.answers("a b c d", question, answer);
    await shows("you> one", "Whale: a b c d", typed);
    type("\r");
    await shows("you> one", "Whale: a b c d", typed, PROMPT);
    assert.equal(chat.said.at(-1), typed.slice(PROMPT.length));
    type(UP);
    await shows("you> one", "Whale: a b c d", typed, typed);
  });

  it("sends the messages that are entered while an answer grows, in order", async () => {
    const { chat, asks, shows, type } = onTerminal();
    const first = await asks("one");
    const answer = chat.drafts("a", first);
    type("two\rthree\r\rfo");
    await eventually("all to be said", () => chat.said.length === 3);
    assert.deepEqual(chat.said, ["one", "two", "three"]);
    await shows("you> one", "Whale: a …", "you> two", "you> three", "you> fo");
    chat.answers("a b", first, answer);
    chat.answers("c", "$q2");
    await shows("you> one", "Whale: a b", "you> two", "you> three", "Whale: c", "you> fo");
  });

  it("shows the entered text where the prompt fills its row", async () => {
    const { chat, asks, shows } = onTerminal({ columns: 20 });
    const first = await asks("one");
    chat.drafts("a", first);
    for (const length of [14, 15, 16, 34, 35, 36]) await asks("x".repeat(length));
    const asked = [14, 15, 16, 34, 35, 36].flatMap((length) => rowsOf(`you> ${"x".repeat(length)}`, 20));
    await shows("you> one", "Whale: a …", ...asked, PROMPT);
  });

  it("redraws when the window changes its size", async () => {
    const { chat, asks, shows, resize, type } = onTerminal({ columns: 60, rows: 24 });
    const question = await asks("one");
    const text = "the whale ".repeat(20).trim();
    const answer = chat.drafts(text, question);
    type("typed");
    await shows("you> one", ...rowsOf(`Whale: ${text} …`, 60), "you> typed");
    for (const [columns, rows] of [
      [40, 24],
      [100, 24],
      [25, 24],
      [25, 40],
      [60, 16],
      [60, 24],
    ] as const) {
      resize({ columns, rows });
      await shows("you> one", ...rowsOf(`Whale: ${text} …`, columns), "you> typed");
    }
    chat.answers(text, question, answer);
    await shows("you> one", `Whale: ${text}`, "you> typed");
  });

  it("shows a split answer in its order, and proves each part", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    chat.types(true);
    const answer = chat.drafts("part", question);
    chat.answers("part 1", question, answer);
    await shows("you> one", "Whale: part 1", "Whale is typing …", PROMPT);
    chat.answers("part 2", question);
    chat.answers("part 3", question);
    chat.types(false);
    await shows("you> one", "Whale: part 1", "Whale: part 2", "Whale: part 3", PROOF, PROMPT);
    assert.deepEqual(
      chat.proven.map(([, answerId]) => answerId),
      ["$a2", "$a3", "$a4"],
    );
  });

  it("shows an answer that was broken off with the reason below it", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const answer = chat.drafts("It was", question);
    chat.types(true);
    chat.answers("It was\n\n*The model's server went away.*", question, answer);
    const shown = ["you> one", "Whale: It was", "", "The model's server went away."];
    await shows(...shown, "Whale is typing …", PROMPT);
  });

  it("puts an answer that comes as a message of its own in the draft's place", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const draft = chat.drafts("It was", question);
    await shows("you> one", "Whale: It was …", PROMPT);
    chat.answers("It was a whale.", question);
    await shows("you> one", "Whale: It was a whale.", PROMPT);
    chat.takesBack(draft);
    chat.drafts("It was a", question, draft);
    await shows("you> one", "Whale: It was a whale.", PROMPT);
  });

  it("shows notices that come meanwhile below the answer", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const answer = chat.drafts("It was", question);
    chat.notifies("I trust nobody.");
    chat.notifies("I can't read that.", "$elsewhere");
    await shows("you> one", "Whale: It was …", "Whale: I trust nobody.", "Whale: I can't read that.", PROMPT);
    chat.answers("It was a whale.", question, answer);
    chat.types(true);
    chat.types(false);
    await shows(
      ...["you> one", "Whale: It was a whale.", "Whale: I trust nobody.", "Whale: I can't read that.", PROOF, PROMPT],
    );
  });

  it("shows a notice in the answer's place, without a proof", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    chat.notifies("The model's server is away.", question);
    await shows("you> one", "Whale: The model's server is away.", PROMPT);
    assert.deepEqual(chat.proven, []);
  });

  it("shows the edited answer to an earlier question once more, while it grows", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const answer = chat.answers("1", question);
    await asks("two");
    chat.answers("2", "$q2");
    chat.drafts("one", question, answer);
    await shows("you> one", "Whale: 1", "you> two", "Whale: 2", "Whale (edited): one …", PROMPT);
    chat.answers("one!", question, answer);
    chat.answers("one?", question, answer);
    await shows(
      ...["you> one", "Whale: 1", "you> two", "Whale: 2", "Whale (edited): one!", "Whale (edited): one?", PROMPT],
    );
  });

  it("says when a message was deleted, and forgets one that was not complete", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const draft = chat.drafts("It was", question);
    chat.takesBack(draft);
    await shows("you> one", "@agent_whale:localhost took its answer back", PROMPT);
    chat.takesBack(chat.answers("2", await asks("two")));
    await shows(
      ...["you> one", "@agent_whale:localhost took its answer back", "you> two", "Whale: 2"],
      ...["Whale took a message back", "@agent_whale:localhost took its answer back", PROMPT],
    );
  });

  it("shows a reaction, which is the only reply to some commands", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("!stop");
    chat.reacts(question, "👍");
    await shows("you> !stop", "Whale reacted with 👍", PROMPT);
  });

  it("shows as much as came of an answer without end, and goes on", async () => {
    const { chat, asks, shows } = onTerminal({ timeoutMs: 400 });
    const question = await asks("one");
    const answer = chat.drafts("It was\na", question);
    const why = "the answer of @agent_whale:localhost began (“It was a”), but nothing more of it came within 0.4 s";
    const [first = "", ...rest] = rowsOf(why, 60);
    await shows("you> one", "Whale: It was", "a …", first + rest.join(""), PROMPT);
    chat.answers("It was\na whale.", question, answer);
    await shows(...["you> one", "Whale: It was", "a …", why, "Whale (edited): It was", "a whale.", PROMPT]);
  });

  it("does not mention an unanswered question when the conversation has gone on", async () => {
    const { chat, asks, shows } = onTerminal({ timeoutMs: 400 });
    await asks("one");
    const stop = await asks("!stop");
    chat.notifies("Stopped.", stop);
    const last = await asks("two");
    const nothing = "no answer of @agent_whale:localhost came that could be read within 0.4 s";
    await shows("you> one", "you> !stop", "Whale: Stopped.", "you> two", ...[nothing], PROMPT);
    chat.answers("late", last);
    await shows("you> one", "you> !stop", "Whale: Stopped.", "you> two", nothing, "Whale: late", PROMPT);
  });

  it("leaves the shell's output alone that appeared while it was stopped", async () => {
    const { chat, asks, shows, type, emulator } = onTerminal();
    const question = await asks("one");
    const answer = chat.drafts("It was", question);
    // In a real process the key stops it, and it continues here.
    const kill = mock.method(process, "kill", () => {
      emulator.write("\r\n[1]+ Stopped\r\n$ fg\r\n");
      return true;
    });
    type("\x1a");
    await eventually("the process to be stopped", () => kill.mock.callCount() > 0);
    kill.mock.restore();
    chat.drafts("It was a", question, answer);
    process.emit("SIGCONT", "SIGCONT");
    const shell = ["[1]+ Stopped", "$ fg"];
    await shows("you> one", "Whale: It was …", "you> ", ...shell, "Whale: It was a …", PROMPT);
    chat.answers("It was a whale.", question, answer);
    await shows("you> one", "Whale: It was …", "you> ", ...shell, "Whale: It was a whale.", PROMPT);
  });

  it("keeps the answer so far when it is interrupted", async () => {
    for (const keys of [INTERRUPT, END_OF_INPUT]) {
      const { chat, asks, shows, type, ended } = onTerminal();
      const question = await asks("one");
      chat.drafts("It was", question);
      await asks("two");
      await shows("you> one", "Whale: It was …", "you> two", PROMPT);
      type(keys);
      await ended;
      await shows("you> one", "Whale: It was …", "you> two");
    }
  });

  it("shows no characters that control the terminal", async () => {
    const { chat, asks, shows } = onTerminal();
    const question = await asks("one");
    const answer = chat.drafts("\x1b[2J\x1b]0;title\x07red\x1b[31m\x9b5A", question);
    await shows("you> one", "Whale: [2J]0;titlered[31m5A …", PROMPT);
    chat.answers("a\r\x1b[Hb\u2028c\b\v", question, answer);
    chat.notifies("\x1b[2J\x9d0;t\x07n");
    chat.reacts("$x", "\x1b[2J👍");
    await shows("you> one", "Whale: a", "[Hb", "c", "Whale: [2J0;tn", "Whale reacted with [2J👍", PROMPT);
  });

  for (let seed = 1; seed <= 8; seed++) {
    it(`shows everything once and in order, whatever comes and is typed (${seed})`, async () => {
      const pick = numbers(seed);
      const one = <T>(...things: readonly T[]): T => things[pick(things.length)] as T;
      const size = { columns: 20 + pick(60), rows: 16 + pick(24) };
      const { chat, asks, shows, type, emulator } = onTerminal(size);
      const words = (most: number): string =>
        Array.from({ length: 1 + pick(most) }, () =>
          one("whale", "鯨は大きい", "🐋", "a\u0301", "x".repeat(pick(90)), "\n", "\n\n"),
        )
          .join(one(" ", ""))
          .trim();
      /** The lines expected in the end, and the growing answers. */
      const entries: { text: string }[] = [];
      const growing: { id: string; question: string; text: string; entry: { text: string } }[] = [];
      chat.types(true);
      for (let step = 0; step < 60; step++) {
        switch (pick(8)) {
          case 0: {
            type("\x05\x15");
            // A pasted accent may begin a row, and terminals differ there.
            const text =
              words(6)
                .replaceAll(/\n|\u0301/g, " ")
                .trim() || "?";
            await asks(text);
            entries.push({ text: `you> ${text}` });
            break;
          }
          case 1:
            type(one("typed", "鯨", LEFT, LEFT.repeat(9), "\x7f", "\x01", "\x05", "pasted ".repeat(pick(20))));
            break;
          case 2: {
            const text = `${words(3)}.`;
            chat.notifies(text);
            entries.push({ text: `Whale: ${text}` });
            break;
          }
          case 3: {
            const [question, text, entry] = [`$q${step + 1000}`, `${words(4)}.`, { text: "" }];
            growing.push({ question, text, entry, id: chat.drafts(text, question) });
            entries.push(entry);
            break;
          }
          case 4: {
            const [answer] = growing.splice(pick(growing.length), 1);
            if (answer === undefined) break;
            answer.entry.text = `Whale: ${answer.text}`;
            if (pick(2) === 0) {
              chat.answers(answer.text, answer.question, answer.id);
            } else {
              // As a message of its own, it stays where it comes.
              chat.answers(answer.text, answer.question);
              chat.takesBack(answer.id);
              entries.push(...entries.splice(entries.indexOf(answer.entry), 1));
            }
            break;
          }
          default: {
            const answer = growing[pick(growing.length)];
            if (answer === undefined) break;
            answer.text += ` ${words(6)}.`;
            chat.drafts(answer.text, answer.question, answer.id);
          }
        }
        assert.ok((await emulator.lines()).every((line) => !line.startsWith("*")));
      }
      for (const answer of growing) {
        answer.entry.text = `Whale: ${answer.text}`;
        chat.answers(answer.text, answer.question, answer.id);
      }
      type("\x05\x15");
      const wanted = new EmulatedOutput(size);
      const asShown = entries.map(({ text }) => `${text}\n`).join("");
      wanted.write(`${asShown}Whale is typing …\nyou> `);
      await shows(...(await wanted.emulator.lines()));
    });
  }

  it("works on the smallest of terminals", async () => {
    for (const [columns, rows] of [
      [1, 1],
      [2, 2],
      [6, 3],
      [0, 0],
    ] as const) {
      const { chat, asks, emulator } = onTerminal({ columns, rows });
      const question = await asks("one");
      const answer = chat.drafts("鯨 the whale", question);
      chat.drafts("鯨 the whale is large", question, answer);
      chat.answers("the whale is large", question, answer);
      const shown = async (): Promise<boolean> =>
        (await emulator.lines()).join("").includes("Whale: the whale is large");
      await eventually("the answer to be shown", shown, { instead: () => `${columns}×${rows}` });
    }
  });
});

describe("the chat in a pipe", () => {
  /** Sends these lines in a pipe; the partner answers each by `answer`. */
  async function inPipe(lines: readonly string[], answer: (chat: ScriptedChat, question: string) => void) {
    const chat = new ScriptedChat();
    const output = new PassThrough({ encoding: "utf8" });
    const signal = new AbortController().signal;
    const input = Object.assign(new PassThrough(), { isTTY: false });
    const ended = runChat(chat, { input, output, timeoutMs: 400, signal, onInterrupt: () => undefined });
    input.end(lines.map((line) => `${line}\n`).join(""));
    for (let said = 1; said <= lines.length; said++) {
      await eventually("the next line to be said", () => chat.said.length === said);
      answer(chat, `$q${said}`);
    }
    await ended;
    return { chat, printed: String(output.read() ?? "") };
  }

  it("prints each answer once, when it is complete, and sends one line after the other", async () => {
    const { printed, chat } = await inPipe(["one", "two"], (chat, question) => {
      chat.types(true);
      const answer = chat.drafts("It is", question);
      chat.notifies("Take care.");
      chat.drafts("It is a", question, answer);
      chat.answers("It is a whale.", question, answer);
      chat.answers("A large one.", question);
      chat.types(false);
    });
    const answer = "Whale: Take care.\nWhale: It is a whale.\nWhale: A large one.\n";
    assert.equal(printed, `${answer}${PROOF}\n${answer}`);
    assert.deepEqual(chat.proven, [
      ["$q1", "$a4"],
      ["$q1", "$a5"],
    ]);
  });

  it("prints of an answer without end as much as came, and goes on", async () => {
    const { printed } = await inPipe(["one", "two"], (chat, question) => chat.drafts("It is", question));
    const why = "the answer of @agent_whale:localhost began (“It is”), but nothing more of it came within 0.4 s\n";
    assert.equal(printed, why.repeat(2));
  });

  it("prints notices, reactions and edited answers", async () => {
    const { printed } = await inPipe(["one", "!stop", "three"], (chat, question) => {
      if (question === "$q1") {
        chat.types(true);
        chat.answers("1", question, chat.answers("one", question));
        chat.types(false);
      } else if (question === "$q2") chat.reacts(question, "👍");
      else chat.notifies("No\x1b[2J model.", question);
    });
    const answers = "Whale: one\nWhale (edited): 1\n";
    assert.equal(printed, `${answers}${PROOF}\nWhale reacted with 👍\nWhale: No[2J model.\n`);
  });
});

/** Numbers below `below`, the same ones for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A line as a terminal with so many columns breaks it, where all characters are one column wide. */
function rowsOf(line: string, columns: number): string[] {
  return line.match(new RegExp(`.{1,${columns}}`, "g")) ?? [""];
}
