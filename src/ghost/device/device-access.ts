import type { Actor, HomeserverClient } from "../../homeserver/client.ts";
import { deviceExists, loginDevice, type Device } from "../../homeserver/device-calls.ts";
import { DeviceGone, isUnknownToken, MatrixError } from "../../homeserver/errors.ts";

/** The right to make calls as a ghost: as its device, where it has one. */
export interface GhostAccess {
  /** Makes a call as the ghost. Throws its error, or DeviceGone. */
  call<T>(request: (as: Actor) => Promise<T>): Promise<T>;
}

/** The access of a ghost without a device. */
export function withoutDevice(userId: string): GhostAccess {
  return { call: (request) => request({ userId }) };
}

/** The access to a device that the homeserver lets us act as without an exchange of tokens. */
export function asDevice(device: Device): Pick<DeviceAccess, "call" | "callIfThere"> {
  return { call: (request) => request(device), callIfThere: (request) => request(device) };
}

/** The parts of an access. */
interface AccessParts {
  readonly client: HomeserverClient;
  readonly device: Device;
  /** The device's own token; undefined where the homeserver lets us act as the device by its id. */
  readonly token: string | undefined;
  /** The device's name, for a server that forgets it when the token is exchanged. */
  readonly name: () => string;
  /** Stores a token that was given in exchange. */
  readonly store: (token: string) => Promise<void>;
}

/**
 * Makes calls as a device: by its id, or by its own token. A token that the homeserver does not know any more is
 * exchanged once, and the call repeated; but a device that is gone is never made again, because it would lack its keys.
 */
export class DeviceAccess implements GhostAccess {
  readonly #parts: AccessParts;
  #token: string | undefined;
  #exchange: Promise<void> | undefined;

  constructor(parts: AccessParts) {
    this.#parts = parts;
    this.#token = parts.token;
  }

  async call<T>(request: (as: Device) => Promise<T>): Promise<T> {
    const used = this.#token;
    try {
      return await request(this.#device(used));
    } catch (error) {
      if (used === undefined || !isUnknownToken(error)) throw error;
      if (used === this.#token) await (this.#exchange ??= this.#renew().finally(() => (this.#exchange = undefined)));
      return request(this.#device(this.#token));
    }
  }

  /**
   * The same for a call that the homeserver answers to every device. Some servers refuse a missing device as they refuse
   * a forbidden act, so that a refusal means nothing before the list of devices was looked at.
   */
  async callIfThere<T>(request: (as: Device) => Promise<T>): Promise<T> {
    try {
      return await this.call(request);
    } catch (error) {
      const { client, device } = this.#parts;
      const isUnclear = error instanceof MatrixError && UNCLEAR.has(error.errcode);
      if (isUnclear && !(await deviceExists(client, device))) throw this.#gone(error);
      throw error;
    }
  }

  #device(accessToken: string | undefined): Device {
    return accessToken === undefined ? this.#parts.device : { ...this.#parts.device, accessToken };
  }

  async #renew(): Promise<void> {
    const { client, device, name, store } = this.#parts;
    if (!(await deviceExists(client, device))) throw this.#gone();
    const token = await loginDevice(client, device, name());
    await store(token);
    this.#token = token;
  }

  #gone(cause?: unknown): DeviceGone {
    const { userId, deviceId } = this.#parts.device;
    return new DeviceGone(`${userId} has no device ${deviceId} on the homeserver any more`, { cause });
  }
}

/** The codes with which homeservers refuse a device that does not exist, and other things too. */
const UNCLEAR: ReadonlySet<string> = new Set(["M_FORBIDDEN", "M_INVALID_PARAM", "M_NOT_FOUND"]);
