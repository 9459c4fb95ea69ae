import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  describeFailure,
  describeMissingKey,
  failureCode,
  type TurnFailure,
} from "../../../src/conversation/notices.ts";
import { ProviderError } from "../../../src/providers/provider.ts";

const CODES: Readonly<Record<TurnFailure, true>> = {
  unreachable: true,
  model_missing: true,
  timeout: true,
  cut_off: true,
  malformed: true,
  refused: true,
  empty: true,
  cancelled: true,
  cant_see: true,
  cant_read: true,
  too_large: true,
  no_file: true,
  waited: true,
  full: true,
  unknown: true,
};

describe("the notice of a failed turn", () => {
  const notices = (Object.keys(CODES) as TurnFailure[]).map((code) => ({
    code,
    text: describeFailure({ code, agentName: "Llama", model: "llama3.2:3b", providerName: "local" }),
  }));

  for (const { code, text } of notices) {
    it(`for ${code} is short, names the agent and says what to do`, () => {
      assert.ok(text.length <= 250, String(text.length));
      assert.match(text, /Llama/);
      assert.match(text, /again|ask your admin/);
      assert.doesNotMatch(text, /https?:|undefined|Error|_/);
    });
  }

  it("differs for each failure", () => {
    assert.equal(new Set(notices.map(({ text }) => text)).size, notices.length);
  });

  it("names the model that is missing", () => {
    assert.match(notices.find(({ code }) => code === "model_missing")?.text ?? "", /llama3\.2:3b.*local/);
  });

  it("is chosen by what was thrown", () => {
    assert.equal(failureCode(new ProviderError("timeout", "nothing came")), "timeout");
    assert.equal(failureCode(new TypeError("x is not a function")), "unknown");
    assert.equal(failureCode(undefined), "unknown");
  });
});

describe("the notice of a missing key", () => {
  it("says what to do, by the reason that the sender's app gave", () => {
    const texts = [undefined, "m.unverified", "m.blacklisted", "m.no_olm", "org.example.whatever"].map((code) =>
      describeMissingKey("Llama", code),
    );
    for (const text of texts) {
      assert.match(text, /^Llama can't read this message.*send (it|the message) again/);
      assert.doesNotMatch(text, /m\.|org\.|undefined|_/);
      assert.ok(text.length <= 250);
    }
    assert.equal(new Set(texts).size, 4, "an unknown reason is told like none");
    assert.match(texts[1] ?? "", /[Vv]erify/);
    assert.match(texts[2] ?? "", /[Bb]lock/);
  });
});
