import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { explainPingFailure } from "../../../src/homeserver/ping.ts";

const URL_OF_BRIDGE = "http://bridge:9993";

describe("a failed ping says what to do", () => {
  for (const [status, errcode, words] of [
    [401, "M_UNKNOWN_TOKEN", /app_service_config_files.*restart Synapse/],
    [403, "M_FORBIDDEN", /the id of both copies/],
    [400, "M_URL_NOT_SET", /has no url/],
    [502, "M_BAD_STATUS", /reached http:\/\/bridge:9993.*hs_token/],
    [502, "M_CONNECTION_FAILED", /cannot connect to http:\/\/bridge:9993/],
    [504, "M_CONNECTION_TIMEOUT", /no answer from http:\/\/bridge:9993/],
    [404, "M_UNRECOGNIZED", /too old/],
    [500, "M_UNKNOWN", /500 M_UNKNOWN: broken/],
  ] as const) {
    it(`for ${errcode}`, () => {
      const error = new MatrixError("POST ping", { status, errcode, error: "broken", retryAfterMs: undefined });
      assert.match(explainPingFailure(error, URL_OF_BRIDGE), words);
    });
  }

  it("for a homeserver that is away", () => {
    const error = new HomeserverUnreachable("POST ping", "ECONNREFUSED", "the homeserver cannot be reached");
    assert.match(explainPingFailure(error, URL_OF_BRIDGE), /cannot be reached/);
  });
});
