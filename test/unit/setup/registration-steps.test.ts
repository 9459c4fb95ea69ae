import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instructions } from "../../../src/setup/registration-steps.ts";

describe("the instructions for a registration", () => {
  for (const [name, words] of [
    ["Synapse", /homeserver\.yaml[^]*app_service_config_files:\n {2}- "\/etc\/r\.yaml"/],
    ["Dendrite", /dendrite\.yaml[^]*app_service_api:\n {2}config_files:\n {4}- "\/etc\/r\.yaml"/],
    ["Conduit", /to Conduit in its admin room[^]*\/etc\/r\.yaml/],
    ["Tuwunel", /to Tuwunel in its admin room/],
    ["continuwuity", /to continuwuity in its admin room/],
    ["Another", /homeserver\.yaml/],
  ] as const) {
    it(`are those of ${name}`, () => {
      assert.match(instructions("/etc/r.yaml", { name, version: "1" }), words);
    });
  }

  it("are those of Synapse where nobody knows the homeserver", () => {
    assert.match(instructions("/etc/r.yaml"), /homeserver\.yaml/);
  });
});
