import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codeWord, plainWord } from "../../../src/commands/code-word.ts";
import { readCommand } from "../../../src/commands/read-command.ts";
import { newCode, readCode } from "../../../src/turns/call-code.ts";

describe("a code", () => {
  it("has four letters that are no word, and is read in capital and small ones", () => {
    const codes = new Set(Array.from({ length: 1_000 }, newCode));
    assert.ok(codes.size > 900);
    for (const code of codes) {
      assert.match(code, /^[BCDFGHJKMNPQRSTVWXZ]{4}$/);
      assert.equal(readCode(code.toLowerCase()), code);
    }
  });

  it("is nothing else", () => {
    for (const text of ["", "BCD", "BCDFG", "WAIT", "B1DF", "BC F", "ＢＣＤＦ", "ſſſſ", "x".repeat(100_000)])
      assert.equal(readCode(text), undefined, text.slice(0, 9));
  });
});

describe("a word with a code", () => {
  it("agrees or refuses, in every language", () => {
    for (const text of ["yes BCDF", "Yes, bcdf", "ok BCDF.", "ja BCDF", "Ja: bcdf!", " okay  BCDF "])
      assert.equal(codeWord(text)?.name, "approve", text);
    for (const text of ["no BCDF", "No, bcdf.", "nein BCDF"]) assert.equal(codeWord(text)?.name, "refuse", text);
    const written = codeWord("Yes, bcdf.");
    assert.ok(written);
    const read = readCommand(written);
    assert.deepEqual(read.kind === "right" && read.argument, { code: "BCDF", word: "approve" });
  });

  it("is nothing else", () => {
    for (const text of [
      ...["yes", "BCDF", "no wait", "yes BCDF and more", "yesBCDF", "maybe BCDF", "not BCDF", "> yes BCDF", "yes ABCD"],
      ...["do not say yes BCDF", `yes ${" ".repeat(100_000)}BCDF`, "toString BCDF", "__proto__ BCDF"],
    ])
      assert.equal(codeWord(text), undefined, text.slice(0, 40));
  });

  it("can stand without it only as the whole reply to a question", () => {
    assert.deepEqual(["yes", "Ja!", "no.", "nein", "yes please", ""].map(plainWord), [
      ...["approve", "approve", "refuse", "refuse"],
      ...[undefined, undefined],
    ]);
  });
});

describe("!approve and !refuse", () => {
  const read = (name: string, rest: string) => {
    const command = readCommand({ name, rest });
    return command.kind === "right" ? command.argument : command.kind;
  };

  it("take a code, and whether it is for good", () => {
    assert.deepEqual(read("approve", "bcdf"), { code: "BCDF", word: "approve" });
    assert.deepEqual(read("approve", "`BCDF`."), { code: "BCDF", word: "approve" });
    assert.deepEqual(read("approve", "BCDF always"), { code: "BCDF", word: "always" });
    assert.deepEqual(read("refuse", "BCDF"), { code: "BCDF", word: "refuse" });
  });

  it("take nothing else", () => {
    for (const rest of ["", "ABCD", "BCDF never", "BCDF always now", "all", "BCDFG"])
      assert.equal(read("approve", rest), "wrong", rest);
    for (const rest of ["", "BCDF always", "all"]) assert.equal(read("refuse", rest), "wrong", rest);
  });
});

describe("!tools", () => {
  const read = (rest: string) => {
    const command = readCommand({ name: "tools", rest });
    return command.kind === "right" ? command.argument : command.kind;
  };

  it("lists all, explains one, or decides about one", () => {
    assert.deepEqual(read(""), {});
    assert.deepEqual(read("files/write_file"), { tool: "files/write_file" });
    for (const doing of ["allow", "forbid", "forget"])
      assert.deepEqual(read(`${doing.toUpperCase()} write_file`), { doing, tool: "write_file" });
  });

  it("takes nothing else", () => {
    for (const rest of ["allow", "permit x y", "allow x y", "x y", "<b>", "allow `a b`", "x".repeat(1_000)])
      assert.equal(read(rest), "wrong", rest.slice(0, 20));
  });
});
