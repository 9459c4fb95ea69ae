import { createCipheriv, createHash, randomBytes } from "node:crypto";

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
