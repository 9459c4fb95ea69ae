import assert from "node:assert/strict";
import { describe, it } from "node:test";
import decryptAESSecretStorageItem from "matrix-js-sdk/lib/utils/decryptAESSecretStorageItem.js";
import encryptAESSecretStorageItem from "matrix-js-sdk/lib/utils/encryptAESSecretStorageItem.js";
import { decryptSecret, encryptSecret, SecretStorage } from "../../../src/crypto/secret-storage.ts";
import { accountData } from "../../support/secret-storage.ts";

const KEY = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);

describe("secret storage", () => {
  it("encrypts as clients do", async () => {
    const ours = encryptSecret(KEY, "m.cross_signing.master", Buffer.from("a secret"));
    assert.equal(await decryptAESSecretStorageItem(ours, KEY, "m.cross_signing.master"), "a secret");
    const theirs = await encryptAESSecretStorageItem("another", KEY, "m.megolm_backup.v1");
    assert.equal(decryptSecret(KEY, "m.megolm_backup.v1", theirs), "another");
  });

  it("opens nothing with another key, under another name, or after a change", () => {
    const secret = encryptSecret(KEY, "name", Buffer.from("a secret"));
    assert.equal(decryptSecret(OTHER, "name", secret), undefined);
    assert.equal(decryptSecret(KEY, "other", secret), undefined);
    assert.equal(decryptSecret(KEY, "name", { ...secret, ciphertext: "AAAA" }), undefined);
    assert.equal(decryptSecret(KEY, "name", { ...secret, iv: "AAAA" }), undefined);
    assert.equal(decryptSecret(KEY, "name", { ...secret, mac: "" }), undefined);
  });

  it("finds what it stored, and nothing that another key stored", async () => {
    const data = accountData();
    await new SecretStorage(data, KEY).write({ one: "1", two: "2" });
    assert.equal(await new SecretStorage(data, KEY).read("two"), "2");
    assert.equal(await new SecretStorage(data, KEY).read("three"), undefined);
    assert.equal(await new SecretStorage(data, OTHER).read("two"), undefined);
    assert.ok(!JSON.stringify([...data.kept]).includes(Buffer.from(KEY).toString("base64")));
  });

  it("finds a secret that a client stored with the same key under an id of its own", async () => {
    const data = accountData();
    const check = encryptSecret(KEY, "", Buffer.alloc(32));
    const algorithm = "m.secret_storage.v1.aes-hmac-sha2";
    await data.put("m.secret_storage.key.theirs", { algorithm, iv: check.iv, mac: check.mac });
    await data.put("one", { encrypted: { theirs: encryptSecret(KEY, "one", Buffer.from("1")) } });
    assert.equal(await new SecretStorage(data, KEY).read("one"), "1");
  });

  it("reads nothing from rubbish", async () => {
    const data = accountData();
    const storage = new SecretStorage(data, KEY);
    for (const rubbish of [
      {},
      { encrypted: null },
      { encrypted: "x" },
      { encrypted: { [storage.keyId]: { iv: 1 } } },
    ]) {
      await data.put("one", rubbish);
      assert.equal(await storage.read("one"), undefined, JSON.stringify(rubbish));
    }
  });
});
