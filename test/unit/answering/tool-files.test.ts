import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ToolFiles, withFiles } from "../../../src/answering/tool-files.ts";
import type { Form } from "../../../src/ghost/form.ts";
import { MatrixError } from "../../../src/homeserver/errors.ts";
import { wordsIn } from "../../../src/language/languages.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { MOST_CALL_FILES, type CallFile } from "../../../src/turns/call-file.ts";
import type { TurnStep } from "../../../src/turns/turn-step.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { png } from "../../support/pictures.ts";
import { contextOf } from "../../support/tool-servers.ts";

const { turn } = contextOf();
const REPLY: TurnReply = { outcome: "answered", messages: [{ content: { body: "Here." }, remembered: "Here." }] };
const PICTURE: CallFile = { kind: "picture", type: "image/png", name: "a.png", size: 10 };

function done(number: number, ...files: CallFile[]): TurnStep {
  const call = { id: "1", name: "t", arguments: {}, mayRepeat: false };
  return { number, askedOf: "tool", state: "done", call, answer: { text: "", isError: false, files } };
}

function filesOf(
  content: Uint8Array | undefined,
  upload: () => Promise<{ url: string }>,
  forms: Form[] = [],
): ToolFiles {
  return new ToolFiles({
    turns: { files: { content: () => Promise.resolve(content) }, cameEncrypted: () => Promise.resolve(true) } as never,
    upload: (_ghost, _room, _bytes, _type, form) => {
      forms.push(form);
      return upload();
    },
    language: { words: () => Promise.resolve(wordsIn("en")) },
    log: silentLogger(),
  });
}

function error(status: number): MatrixError {
  return new MatrixError("POST upload", { status, errcode: "M_TOO_LARGE", error: "", retryAfterMs: undefined });
}

describe("the files of an answer's tools", () => {
  it("follow its words, also where it failed, in the order of the calls", () => {
    const steps = [done(2, PICTURE), done(3, { ...PICTURE, kind: "file", name: "b" }, PICTURE)];
    for (const reply of [REPLY, { ...REPLY, outcome: "failed", failure: "timeout" } as const]) {
      const { messages } = withFiles(turn, reply, steps);
      assert.deepEqual(
        messages.map(({ content, file }) => [content["body"], file]),
        [
          ["Here.", undefined],
          ["a.png", { step: 2, number: 0 }],
          ["b", { step: 3, number: 0 }],
          ["a.png", { step: 3, number: 1 }],
        ],
      );
    }
  });

  it("are none where it was stopped, or may hold nothing of the conversation", () => {
    const steps = [done(2, PICTURE)];
    const stopped: TurnReply = { outcome: "stopped", messages: REPLY.messages };
    assert.equal(withFiles(turn, stopped, steps), stopped);
    const fixed: TurnReply = { outcome: "failed", failure: "in_clear", messages: [{ content: {}, isFixed: true }] };
    assert.equal(withFiles(turn, fixed, steps), fixed);
    assert.equal(withFiles(turn, REPLY, []), REPLY);
  });

  it("are bounded together, however many calls returned some at once", () => {
    const many = Array.from({ length: 5 }, (_, nth) => done(nth + 2, PICTURE, PICTURE, PICTURE));
    assert.equal(withFiles(turn, REPLY, many).messages.length, 1 + MOST_CALL_FILES.count);
    const large = { ...PICTURE, size: MOST_CALL_FILES.bytes / 2 };
    assert.equal(withFiles(turn, REPLY, [done(2, large, large, large)]).messages.length, 3);
  });

  it("are uploaded when they are sent, encrypted where the question was, and replaced by a notice where they can't be", async () => {
    const [, message] = withFiles(turn, REPLY, [done(2, PICTURE)]).messages;
    assert.ok(message?.file);
    const { content, file } = message;
    const forms: Form[] = [];
    const sent = filesOf(png(3, 2), () => Promise.resolve({ url: "mxc://a/b" }), forms);
    const whole = await sent.withUpload(turn, { content, file });
    assert.deepEqual(
      [whole["msgtype"], whole["url"], whole["info"], forms],
      ["m.image", "mxc://a/b", { mimetype: "image/png", size: 10, w: 3, h: 2 }, ["encrypted"]],
    );
    const refused = filesOf(png(3, 2), () => Promise.reject(error(413)));
    assert.equal((await refused.withUpload(turn, { content, file }))["msgtype"], "m.notice");
    const lost = filesOf(undefined, () => Promise.reject(new Error("nothing is uploaded")));
    assert.match(String((await lost.withUpload(turn, { content, file }))["body"]), /could not be sent/);
    const away = filesOf(png(3, 2), () => Promise.reject(error(502)));
    await assert.rejects(away.withUpload(turn, { content, file }), MatrixError);
  });
});
