import { createHash, randomBytes } from "node:crypto";

const SECRET_BYTES = 32;

/** A secret that nobody can guess, to be shown once; the database keeps its hash. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** Whether a text can be such a secret. Anything else is not looked for. */
export function isSecret(text: unknown): text is string {
  return typeof text === "string" && /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** The form in which the database keeps a secret. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
