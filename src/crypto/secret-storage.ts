import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** The account data of a user. */
export interface AccountData {
  /** Undefined: there is nothing of this type. */
  get(type: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  put(type: string, content: object): Promise<void>;
}

const ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2";
const DEFAULT_KEY = "m.secret_storage.default_key";

/** A stored secret: all three fields are base64. */
export interface EncryptedSecret {
  readonly iv: string;
  readonly ciphertext: string;
  readonly mac: string;
}

/** Secrets that are kept together outside secret storage, by their names, each encrypted as there. */
export type SealedSecrets = Readonly<Record<string, EncryptedSecret>>;

/**
 * A user's secret storage on the server (spec "Secrets", `m.secret_storage.v1.aes-hmac-sha2`), under one key. The
 * engine leaves this to its host.
 */
export class SecretStorage {
  readonly #accountData: AccountData;
  readonly #key: Uint8Array;
  /** Whether this object has already told the server of the key, as the default one. */
  #isDescribed = false;

  /** @param key 32 bytes that no server ever sees. */
  constructor(accountData: AccountData, key: Uint8Array) {
    this.#accountData = accountData;
    this.#key = key;
  }

  /** The key's id on the server. It reveals nothing of the key. */
  get keyId(): string {
    return createHash("sha256").update("secret storage key id").update(this.#key).digest("base64url").slice(0, 32);
  }

  /** A secret; undefined when it does not exist, or not under this key. Throws the error of reading account data. */
  async read(name: string): Promise<string | undefined> {
    const stored = (await this.#accountData.get(name))?.["encrypted"];
    if (typeof stored !== "object" || stored === null) return undefined;
    // The owner of the key may have given it another id.
    for (const [id, secret] of Object.entries(stored)) {
      if (id !== this.keyId && !(await this.#isOurs(id))) continue;
      const text = isEncryptedSecret(secret) ? decryptSecret(this.#key, name, secret) : undefined;
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** Stores secrets, and makes this key the default one. Throws the error of writing account data. */
  async write(secrets: Readonly<Record<string, string>>): Promise<void> {
    if (!this.#isDescribed) {
      const { iv, mac } = encryptSecret(this.#key, "", Buffer.alloc(32));
      const description = { name: "matrix-agents", algorithm: ALGORITHM, iv, mac };
      await this.#accountData.put(`m.secret_storage.key.${this.keyId}`, description);
    }
    for (const [name, secret] of Object.entries(secrets)) {
      const encrypted = encryptSecret(this.#key, name, Buffer.from(secret));
      await this.#accountData.put(name, { encrypted: { [this.keyId]: encrypted } });
    }
    if (!this.#isDescribed) await this.#accountData.put(DEFAULT_KEY, { key: this.keyId });
    this.#isDescribed = true;
  }

  /** Encrypts secrets that are kept together elsewhere. */
  seal(secrets: Readonly<Record<string, string>>): SealedSecrets {
    return Object.fromEntries(
      Object.entries(secrets).map(([name, secret]) => [name, encryptSecret(this.#key, name, Buffer.from(secret))]),
    );
  }

  /** One of those secrets, from wherever they were kept; undefined when it is not there, or not under this key. */
  unseal(sealed: unknown, name: string): string | undefined {
    if (typeof sealed !== "object" || sealed === null || !Object.hasOwn(sealed, name)) return undefined;
    const secret = (sealed as Readonly<Record<string, unknown>>)[name];
    return isEncryptedSecret(secret) ? decryptSecret(this.#key, name, secret) : undefined;
  }

  /** Whether the server's key of this id is ours, by its check value. */
  async #isOurs(id: string): Promise<boolean> {
    const description = await this.#accountData.get(`m.secret_storage.key.${id}`);
    const { algorithm, iv, mac } = description ?? {};
    if (algorithm !== ALGORITHM || typeof iv !== "string" || typeof mac !== "string") return false;
    const bytes = Buffer.from(iv, "base64");
    return bytes.length === 16 && isSame(encryptSecret(this.#key, "", Buffer.alloc(32), bytes).mac, mac);
  }
}

/** Encrypts a secret under its name. An `iv` of 16 bytes is given only to check a key. */
export function encryptSecret(key: Uint8Array, name: string, secret: Uint8Array, iv = freshIv()): EncryptedSecret {
  const { aes, hmac } = keysFor(key, name);
  const cipher = createCipheriv("aes-256-ctr", aes, iv);
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()]);
  const mac = createHmac("sha256", hmac).update(ciphertext).digest("base64");
  return { iv: iv.toString("base64"), ciphertext: ciphertext.toString("base64"), mac };
}

/** The secret; undefined when it was encrypted with another key or name, or changed since. */
export function decryptSecret(key: Uint8Array, name: string, secret: EncryptedSecret): string | undefined {
  const { aes, hmac } = keysFor(key, name);
  const ciphertext = Buffer.from(secret.ciphertext, "base64");
  const iv = Buffer.from(secret.iv, "base64");
  if (iv.length !== 16) return undefined;
  if (!isSame(createHmac("sha256", hmac).update(ciphertext).digest("base64"), secret.mac)) return undefined;
  const decipher = createDecipheriv("aes-256-ctr", aes, iv);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
}

function keysFor(key: Uint8Array, name: string): { readonly aes: Buffer; readonly hmac: Buffer } {
  const derived = Buffer.from(hkdfSync("sha256", key, Buffer.alloc(32), name, 64));
  return { aes: derived.subarray(0, 32), hmac: derived.subarray(32) };
}

/** Bit 63 is zero because some implementations count with 64 bits (spec). */
function freshIv(): Buffer {
  const iv = randomBytes(16);
  iv[8] = (iv[8] ?? 0) & 0x7f;
  return iv;
}

/** Compares base64, padded or not, in constant time. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "base64"), Buffer.from(b, "base64")];
  return left.length === right.length && timingSafeEqual(left, right);
}

function isEncryptedSecret(value: unknown): value is EncryptedSecret {
  if (typeof value !== "object" || value === null) return false;
  const { iv, ciphertext, mac } = value as Record<string, unknown>;
  return typeof iv === "string" && typeof ciphertext === "string" && typeof mac === "string";
}
