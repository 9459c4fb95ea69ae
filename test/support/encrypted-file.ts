import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

/** A file as a client encrypts it (spec "Sending encrypted attachments"), by independent code. */
export function encryptFile(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly info: object } {
  const key = randomBytes(32);
  // The lower half counts.
  const iv = Buffer.concat([randomBytes(8), Buffer.alloc(8)]);
  const cipher = createCipheriv("aes-256-ctr", key, iv);
  const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return {
    bytes: encrypted,
    info: {
      v: "v2",
      key: { kty: "oct", key_ops: ["encrypt", "decrypt"], alg: "A256CTR", k: key.toString("base64url"), ext: true },
      iv: iv.toString("base64").replace(/=+$/, ""),
      hashes: { sha256: createHash("sha256").update(encrypted).digest("base64").replace(/=+$/, "") },
    },
  };
}

/** What `encryptFile`, or any client, has encrypted, by independent code. Throws where the file is another one. */
export function decryptFile(bytes: Uint8Array, info: unknown): Uint8Array {
  const { key, iv, hashes } = info as { key: { k: string }; iv: string; hashes: { sha256: string } };
  const hash = createHash("sha256").update(bytes).digest("base64").replace(/=+$/, "");
  if (hash !== hashes.sha256) throw new Error("this is not the file that was encrypted");
  const decipher = createDecipheriv("aes-256-ctr", Buffer.from(key.k, "base64url"), Buffer.from(iv, "base64"));
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}
