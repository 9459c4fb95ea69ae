import { createHmac, randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import { asObject, stringField } from "../homeserver/answer.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import type { Device } from "../homeserver/device-calls.ts";
import { MatrixError } from "../homeserver/errors.ts";
import { silentLogger } from "../observability/log.ts";

/** The place of a homeserver, and the certificates that are trusted there. */
type Address = Pick<Config["homeserver"], "url" | "ca">;

/** A temporary user, signed in with one device. */
export interface TemporaryUser extends Device {
  /** Acts as that user, with the user's own token. */
  readonly client: HomeserverClient;
  /** Deactivates the account and erases its messages for later members. Throws HomeserverError. */
  remove(): Promise<void>;
}

/** The user could not be made. The message has the reason, `mend` the remedy. */
export class NoTemporaryUser extends Error {
  override readonly name = "NoTemporaryUser";
  readonly mend: string;

  constructor(reason: string, mend: string, options?: { cause?: unknown }) {
    super(reason, options);
    this.mend = mend;
  }
}

const CALL_LIMIT_MS = 30_000;

/**
 * Makes an ordinary user by Synapse's registration with the shared secret, which needs no open registration:
 * https://element-hq.github.io/synapse/latest/admin_api/register_api.html. Throws {@link NoTemporaryUser} or HomeserverError.
 */
export async function makeTemporaryUser(homeserver: Address, sharedSecret: string): Promise<TemporaryUser> {
  const { url, ca } = homeserver;
  const localpart = `doctor-${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  const { userId, deviceId, token } = await register(homeserver, sharedSecret, localpart, password);
  const client = createHomeserverClient({ url, ca, asToken: token, log: silentLogger() });
  return {
    userId,
    deviceId,
    client,
    async remove() {
      try {
        await client.request({
          method: "POST",
          path: "/_matrix/client/v3/account/deactivate",
          body: {
            auth: { type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password },
            erase: true,
          },
          timeoutMs: CALL_LIMIT_MS,
        });
      } finally {
        await client.close();
      }
    },
  };
}

async function register(
  { url, ca }: Address,
  secret: string,
  localpart: string,
  password: string,
): Promise<{ readonly userId: string; readonly deviceId: string; readonly token: string }> {
  const anybody = createHomeserverClient({ url, ca, asToken: "none", log: silentLogger() });
  const request = { path: "/_synapse/admin/v1/register", timeoutMs: CALL_LIMIT_MS } as const;
  try {
    const nonce = stringField(await anybody.request({ ...request, method: "GET" }), "nonce", "GET register");
    const mac = createHmac("sha1", secret).update([nonce, localpart, password, "notadmin"].join("\0")).digest("hex");
    const answer = asObject(
      await anybody.request({
        ...request,
        method: "POST",
        body: { nonce, username: localpart, password, mac, admin: false },
      }),
      "POST register",
    );
    return {
      userId: stringField(answer, "user_id", "POST register"),
      deviceId: stringField(answer, "device_id", "POST register"),
      token: stringField(answer, "access_token", "POST register"),
    };
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    if (error.status === 403) {
      throw new NoTemporaryUser(
        "the shared secret is not this homeserver's",
        "give --shared-secret-file a file with the registration_shared_secret of homeserver.yaml",
        { cause: error },
      );
    }
    throw new NoTemporaryUser(
      `the homeserver registers no users with a shared secret (${error.status} ${error.errcode})`,
      "set registration_shared_secret in homeserver.yaml, and make homeserver.url reach Synapse itself, with /_synapse/admin; MAS has no such registration",
      { cause: error },
    );
  } finally {
    await anybody.close();
  }
}
