import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCommand } from "../../../quickstart/arguments.ts";

describe("parseCommand", () => {
  it("opens a chat without arguments", () => {
    assert.deepEqual(parseCommand([]), { kind: "chat" });
    assert.deepEqual(parseCommand(["--agent", " demo "]), { kind: "chat", agent: "demo" });
  });

  it("keeps the text as it was given", () => {
    const text = `  "two"  words; $HOME `;
    assert.deepEqual(parseCommand(["--say", text, "--agent=demo"]), { kind: "say", text, agent: "demo" });
  });

  it("takes a model instead of an agent", () => {
    assert.deepEqual(parseCommand(["--model", "tiny"]), { kind: "chat", model: "tiny" });
    assert.deepEqual(parseCommand(["--say", "x", "--model=demo"]), { kind: "say", text: "x", model: "demo" });
  });

  it("knows the other commands", () => {
    assert.deepEqual(parseCommand(["--stop"]), { kind: "stop" });
    assert.deepEqual(parseCommand(["--reset"]), { kind: "reset" });
    assert.deepEqual(parseCommand(["--say", "x", "-h"]), { kind: "help" });
  });

  for (const [args, says] of [
    [["--say"], /--say/],
    [["--say", " "], /--say needs a text/],
    [["--agent", ""], /--agent needs a value: --agent NAME/],
    [["--model", "llama3.2"], /--model takes tiny or demo.*--agent/],
    [["--agent", " "], /--agent needs the name/],
    [["--model", ""], /--model needs a value/],
    [["--model", "tiny", "--agent", "demo"], /--agent and --model do not go together/],
    [["--sey", "x"], /^quickstart has no option --sey; did you mean --say\?$/],
    [["hello"], /^quickstart takes no hello; .*--say/],
    [["--say", "--agent"], /^--say needs a value, and --agent looks like an option/],
    [["--stop=now"], /^--stop takes no value$/],
    [["--stop", "--reset"], /--stop and --reset do not go together/],
    [["--say", "x", "--stop"], /--say and --stop do not go together/],
  ] as const) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => parseCommand(args), { name: "UsageError", message: says });
    });
  }
});
