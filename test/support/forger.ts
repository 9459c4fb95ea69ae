import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { venvPython } from "../../quickstart/venv.ts";
import type { Deployment } from "./deployment.ts";
import { requestAs } from "./matrix-request.ts";
import { inCheckout, NIO_VENV } from "./paths.ts";

const PASSWORD = "a password";

/** The fault in a room key that is handed over. */
export interface Forgery {
  /** The key's room. */
  readonly roomId: string;
  /** The owner of the device for which the message is encrypted. */
  readonly encryptFor: string;
  /** The receiver; by default the same. */
  readonly deliverTo?: string;
  /** Overwrites the fields that name the sender and receiver (spec "m.olm.v1.curve25519-aes-sha2"). */
  readonly change?: Readonly<Record<string, unknown>>;
  /** Whether it is sent unencrypted. */
  readonly clear?: boolean;
}

/** A person whose device breaks the rules. */
export class Forger {
  readonly userId: string;
  readonly request: ReturnType<typeof requestAs>;
  readonly #deployment: Deployment;

  private constructor(deployment: Deployment, userId: string, accessToken: string) {
    this.#deployment = deployment;
    this.userId = userId;
    this.request = requestAs(deployment.synapse.url, accessToken);
  }

  /** The login data. */
  get login(): object {
    return loginOf(this.userId);
  }

  static async register(deployment: Deployment, localpart: string): Promise<Forger> {
    await deployment.synapse.registerUser(localpart, PASSWORD);
    const userId = `@${localpart}:${deployment.synapse.serverName}`;
    const { access_token } = await login(deployment, userId);
    return new Forger(deployment, userId, access_token);
  }

  /** Hands over a room key, twice, and sends a message with it. Resolves with the id of the encrypted event. */
  async say({ deliverTo, change = {}, clear = false, ...forgery }: Forgery): Promise<string> {
    const { access_token: accessToken, device_id: deviceId } = await login(this.#deployment, this.userId);
    const order = {
      url: this.#deployment.synapse.url,
      userId: this.userId,
      accessToken,
      deviceId,
      deliverTo: deliverTo ?? forgery.encryptFor,
      change,
      clear,
      ...forgery,
    };
    const child = spawn(venvPython(NIO_VENV), [inCheckout("test/support/forger.py")], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const exited = once(child, "exit") as Promise<[number | null]>;
    child.stdin.end(JSON.stringify(order));
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    if (code !== 0) throw new Error(`the forger failed: ${stderr}`);
    const sent = await requestAs(this.#deployment.synapse.url, accessToken)<{ event_id: string }>(
      "PUT",
      `/v3/rooms/${encodeURIComponent(forgery.roomId)}/send/m.room.encrypted/${deviceId}`,
      JSON.parse(stdout) as object,
    );
    return sent.event_id;
  }
}

function login(deployment: Deployment, user: string): Promise<{ access_token: string; device_id: string }> {
  return requestAs(deployment.synapse.url, "")("POST", "/v3/login", loginOf(user));
}

function loginOf(user: string): object {
  return { type: "m.login.password", identifier: { type: "m.id.user", user }, password: PASSWORD };
}
