import assert from "node:assert/strict";
import { createDecipheriv, createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { BadAttachment, decryptAttachment, encryptAttachment } from "../../../src/crypto/attachment.ts";
import { encryptFile } from "../../support/encrypted-file.ts";

describe("an encrypted attachment", () => {
  it("follows the specification, and opens again", async () => {
    const file = new Uint8Array(randomBytes(100_003));
    const { bytes, info } = await encryptAttachment(file);
    assert.equal(info.v, "v2");
    assert.equal(info.hashes["sha256"], createHash("sha256").update(bytes).digest("base64").replace(/=+$/, ""));
    const key = Buffer.from(String(info.key["k"]), "base64url");
    const decipher = createDecipheriv("aes-256-ctr", key, Buffer.from(info.iv, "base64"));
    assert.deepEqual(new Uint8Array(Buffer.concat([decipher.update(bytes), decipher.final()])), file);
    assert.deepEqual(await decryptAttachment(bytes, { ...info, url: "mxc://example.test/file" }), file);
    const again = await encryptAttachment(file);
    assert.notDeepEqual(again.info.key, info.key);
  });

  it("may be empty", async () => {
    const { bytes, info } = await encryptAttachment(new Uint8Array());
    assert.deepEqual(await decryptAttachment(bytes, info), new Uint8Array());
  });

  it("is refused when it was changed, or has invalid metadata", async () => {
    const { bytes, info } = await encryptAttachment(Buffer.from("a picture"));
    const changed = Uint8Array.from(bytes, (byte, index) => (index === 3 ? byte ^ 1 : byte));
    await assert.rejects(decryptAttachment(changed, info), BadAttachment);
    const { info: other } = await encryptAttachment(Buffer.from("another"));
    for (const wrong of [
      other,
      undefined,
      null,
      7,
      "x",
      {},
      { ...info, hashes: {} },
      { ...info, iv: "!" },
      { ...info, key: { k: 1 } },
      { ...info, v: "v9" },
    ]) {
      await assert.rejects(decryptAttachment(bytes, wrong), BadAttachment, JSON.stringify(wrong));
    }
  });

  it("delays nothing else while it is decrypted, however large it is", async () => {
    const { bytes, info } = encryptFile(Buffer.alloc(20_000_000, 7));
    await decryptAttachment(bytes, info);
    // Processor time, because other processes change the clock time.
    const [here, all] = [process.threadCpuUsage(), process.cpuUsage()];
    assert.equal((await decryptAttachment(bytes, info)).byteLength, 20_000_000);
    const share = process.threadCpuUsage(here).user / process.cpuUsage(all).user;
    // All of it would be 1; the garbage of such buffers is this thread's in any case.
    assert.ok(share < 0.8, `this thread did ${share} of the work`);
  });
});
