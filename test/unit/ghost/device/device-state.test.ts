import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  afterSigning,
  deviceStateOf,
  outdated,
  type DeviceRecord,
  type MadeDevice,
} from "../../../../src/ghost/device/device-state.ts";

const FLAGS = ["deviceMade", "crossSigned", "secured", "renew", "resetIdentity", "restore"] as const;

const NEW: DeviceRecord = {
  deviceId: "DEVICE",
  accessToken: "sealed",
  since: "s1",
  deviceMade: false,
  crossSigned: false,
  secured: false,
  renew: false,
  resetIdentity: false,
  restore: false,
  replaces: "FORMER",
  marker: 3,
};

/** Records with every combination of the six flags. */
function everyRecord(): DeviceRecord[] {
  return Array.from({ length: 2 ** FLAGS.length }, (_, bits) => ({
    ...NEW,
    ...Object.fromEntries(FLAGS.map((flag, index) => [flag, ((bits >> index) & 1) === 1])),
  }));
}

describe("the state of a ghost's device", () => {
  it("follows from every combination of what the database holds", () => {
    const records = everyRecord();
    assert.equal(records.length, 64);
    for (const record of records) {
      const { deviceMade, crossSigned, secured, renew, resetIdentity, restore } = record;
      const place = { deviceId: "DEVICE", accessToken: "sealed", since: "s1" };
      const state = deviceStateOf(record);
      if (renew) {
        assert.deepEqual(state, { kind: "to be replaced", ...place, hasOnlyIdentity: crossSigned && !secured });
        continue;
      }
      const rest = { ...place, replaces: "FORMER", restore };
      if (!deviceMade || !crossSigned) {
        const kind = deviceMade ? "made" : "unmade";
        assert.deepEqual(state, { kind, ...rest, resetIdentity, isIdentityKept: secured });
      } else assert.deepEqual(state, { kind: secured ? "secured" : "signed", ...rest });
    }
  });

  it("of a store that went back in time is the same as of one that is to be replaced", () => {
    for (const record of everyRecord()) {
      assert.deepEqual(outdated(record), deviceStateOf({ ...record, renew: true }));
    }
  });

  describe("after the signing", () => {
    const made = (isIdentityKept: boolean, restore: boolean): MadeDevice => ({
      kind: "made",
      deviceId: "DEVICE",
      accessToken: "sealed",
      since: undefined,
      replaces: "FORMER",
      resetIdentity: false,
      isIdentityKept,
      restore,
    });
    const rest = { deviceId: "DEVICE", accessToken: "sealed", since: undefined, replaces: "FORMER" };

    it("by a new identity is never secured: its secrets are nowhere else", () => {
      for (const restore of [false, true]) {
        for (const isKept of [false, true]) {
          assert.deepEqual(afterSigning(made(isKept, restore), "new identity"), { kind: "signed", ...rest, restore });
        }
      }
    });

    it("by an existing identity brings the keys of its backup", () => {
      for (const restore of [false, true]) {
        assert.deepEqual(afterSigning(made(false, restore), "restored identity"), {
          kind: "signed",
          ...rest,
          restore: true,
        });
        assert.deepEqual(afterSigning(made(true, restore), "restored identity"), {
          kind: "secured",
          ...rest,
          restore: true,
        });
      }
    });

    it("that the homeserver refused leaves a device that is used without a signature", () => {
      assert.deepEqual(afterSigning(made(false, false), "identity refused"), {
        kind: "signed",
        ...rest,
        restore: false,
      });
      assert.equal(afterSigning(made(true, true), "identity refused").kind, "secured");
    });

    it("that this bridge could not do needs nothing more", () => {
      assert.deepEqual(afterSigning(made(true, true), "identity elsewhere"), { kind: "orphaned" });
    });
  });
});
