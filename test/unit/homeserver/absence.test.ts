import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sightingOf, type CallEnd } from "../../../src/homeserver/absence.ts";

const SYNC = "/_matrix/client/v3/sync";
const PING = "/_matrix/client/v1/appservice/agents/ping";
const JOIN = "/_matrix/client/v3/join/!room:example.org";
const FILE = "/_matrix/client/v1/media/download/example.org/abc";

function answered(status: number, errcode?: string): CallEnd {
  return { kind: "answered", status, errcode };
}

describe("the end of a call tells whether the homeserver is away", () => {
  for (const [path, end, sighting] of [
    [SYNC, answered(200), "there"],
    [SYNC, answered(500, "M_UNKNOWN"), "there"],
    [SYNC, answered(401, "M_UNKNOWN_TOKEN"), "there"],
    [SYNC, answered(502), "away"],
    [SYNC, answered(503), "away"],
    [SYNC, answered(504), "away"],
    [SYNC, answered(502, "M_UNKNOWN"), "away"],
    [SYNC, { kind: "unanswered", code: "ECONNREFUSED" }, "away"],
    [SYNC, { kind: "unanswered", code: "ECONNRESET" }, "away"],
    [SYNC, { kind: "unanswered", code: "TIMEOUT" }, "away"],
    [PING, answered(502, "M_CONNECTION_FAILED"), "there"],
    [PING, answered(502, "M_BAD_STATUS"), "there"],
    [PING, answered(504, "M_CONNECTION_TIMEOUT"), "there"],
    [PING, answered(502), "unclear"],
    [PING, { kind: "unanswered", code: "TIMEOUT" }, "unclear"],
    [PING, { kind: "unanswered", code: "ECONNREFUSED" }, "away"],
    [JOIN, answered(502, "M_UNKNOWN"), "unclear"],
    [JOIN, answered(504), "unclear"],
    [FILE, answered(502, "M_UNKNOWN"), "unclear"],
    [FILE, { kind: "unanswered", code: "UND_ERR_SOCKET" }, "unclear"],
    [FILE, answered(200), "there"],
  ] as const) {
    it(`${path} ${JSON.stringify(end)}`, () => assert.equal(sightingOf(path, end, Infinity), sighting));
  }

  it("a time limit, by the answers to others: one that answers them has much to do", () => {
    const end = { kind: "unanswered", code: "TIMEOUT" } as const;
    assert.equal(sightingOf(SYNC, end, 9_999), "unclear");
    assert.equal(sightingOf(SYNC, end, 10_000), "away");
    assert.equal(sightingOf(SYNC, { kind: "unanswered", code: "UND_ERR_SOCKET" }, 0), "away", "a short absence");
  });
});
