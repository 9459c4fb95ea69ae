import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import {
  decodeRecoveryKey as sdkDecode,
  encodeRecoveryKey as sdkEncode,
} from "matrix-js-sdk/lib/crypto-api/recovery-key.js";
import { decodeRecoveryKey, encodeRecoveryKey, RecoveryKeyError } from "../../../src/crypto/recovery-key.ts";

describe("a recovery key", () => {
  it("is written and read as clients do", () => {
    for (let round = 0; round < 50; round++) {
      const key = new Uint8Array(randomBytes(32));
      const text = encodeRecoveryKey(key);
      assert.equal(text, sdkEncode(key));
      assert.deepEqual(new Uint8Array(sdkDecode(text)), key);
      assert.deepEqual(decodeRecoveryKey(`  ${text.replaceAll(" ", "")}\n`), key);
    }
  });

  it("with a mistake in it is refused, and not repeated in the error", () => {
    const text = encodeRecoveryKey(new Uint8Array(32).fill(7));
    for (const wrong of [
      "",
      "hello",
      `${text}1`,
      text.slice(0, -1),
      text.replace(/.$/, "2"),
      text.replace(/^E/, "D"),
      "0OIl",
    ]) {
      assert.throws(
        () => decodeRecoveryKey(wrong),
        (error) => error instanceof RecoveryKeyError && (wrong === "" || !error.message.includes(wrong)),
        wrong,
      );
    }
  });
});
