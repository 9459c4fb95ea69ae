import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readInputRequest } from "../../../src/tools/input-request.ts";
import { ToolFailure } from "../../../src/tools/tool-failure.ts";

const ask = (message: unknown, more: object = {}) => ({
  method: "elicitation/create",
  params: { message, requestedSchema: { type: "object", properties: { a: { type: "string" } } }, ...more },
});
const PAGE = { method: "elicitation/create", params: { mode: "url", message: "Sign in", url: "https://example.org" } };
const SAMPLING = { method: "sampling/createMessage", params: { messages: [] } };

function fails(told: Record<string, unknown>): string {
  try {
    readInputRequest(told);
  } catch (error) {
    assert.ok(error instanceof ToolFailure);
    return error.code;
  }
  return "none";
}

describe("requests of a server in the middle of a call", () => {
  it("are its forms, the pages that are declined, and its state as it is", () => {
    const read = readInputRequest({
      inputRequests: { one: ask("Where?"), page: PAGE, model: SAMPLING, two: ask(7, { mode: "form" }) },
      requestState: "\u0000state",
    });
    assert.deepEqual(
      read.forms.map(({ key, message, fields }) => [key, message, fields.length]),
      [
        ["one", "Where?", 1],
        ["two", "", 1],
      ],
    );
    assert.deepEqual([read.pages, read.state], [["page"], "\u0000state"]);
  });

  it("may ask for nothing but the same call again", () => {
    assert.deepEqual(readInputRequest({ requestState: "s" }), { forms: [], pages: [], state: "s" });
  });

  it("are cut", () => {
    const [form] = readInputRequest({ inputRequests: { one: ask("x".repeat(1_000_000)) } }).forms;
    assert.equal(form?.message.length, 2_000);
    assert.ok(form.message.endsWith("…"));
  });

  it("fail where nobody can answer, or they are too many or too long", () => {
    assert.equal(fails({ inputRequests: { page: PAGE } }), "wants_input");
    assert.equal(fails({ inputRequests: { model: SAMPLING } }), "wants_input");
    assert.equal(fails({ inputRequests: { roots: { method: "roots/list" }, odd: 7, none: null } }), "wants_input");
    assert.equal(fails({ inputRequests: { one: ask("?", { requestedSchema: { $ref: "#" } }) } }), "wants_input");
    assert.equal(fails({ inputRequests: { one: ask("?", { requestedSchema: undefined }) } }), "wants_input");
    assert.equal(fails({ inputRequests: { one: ask("?", { mode: "hologram" }) } }), "wants_input");
    assert.equal(fails({ inputRequests: { ["k".repeat(257)]: ask("?") } }), "wants_input");
    assert.equal(fails({ inputRequests: { one: ask("?") }, requestState: "s".repeat(65_537) }), "too_much");
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`r${at}`, ask("?")]));
    assert.equal(fails({ inputRequests: many }), "too_much");
  });
});
