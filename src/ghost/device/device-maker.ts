import { deviceSeen, loginDevice, putDevice, type Device } from "../../homeserver/device-calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { isRefusal } from "../../homeserver/errors.ts";
import { nameOf, softwareOf } from "../../homeserver/software.ts";
import type { Logger } from "../../observability/log.ts";

/** The homeserver gives its application services no devices, so that nobody here can encrypt. */
export class DevicesRefused extends Error {
  override readonly name = "DevicesRefused";
}

/** The time for which a homeserver that refused devices is not asked again, in ms: somebody may update it. */
const ASKED_AGAIN_AFTER_MS = 3_600_000;

/** The way to devices, as far as this process has found it. */
type Way =
  | { readonly kind: "unknown" }
  /** The application service makes them (MSC4190) and acts as them by a parameter of its calls (MSC4326). */
  | { readonly kind: "named" }
  /** The application service signs its users in, and each device has a token of its own. */
  | { readonly kind: "by login" }
  | { readonly kind: "none"; readonly until: number; readonly why: DevicesRefused };

/**
 * Makes devices, in the way that the homeserver offers. No call tells that way, so the first device of a process finds
 * it: with Synapse that costs one call.
 */
export class DeviceMaker {
  readonly #client: HomeserverClient;
  readonly #log: Logger;
  #way: Way = { kind: "unknown" };
  /** Whether the log has said that there are no devices. */
  #isTold = false;

  constructor(client: HomeserverClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /**
   * Makes a device, or finds it made. Returns its own token; undefined where the application service acts as it by
   * its id. Throws {@link DevicesRefused}, HomeserverError.
   */
  async make(device: Device, name: string): Promise<string | undefined> {
    const way = this.#way;
    if (way.kind === "none" && performance.now() < way.until) throw way.why;
    if (way.kind !== "by login") {
      const refusal = await this.#makeNamed(device, name, way.kind === "named");
      if (refusal === undefined) return undefined;
      return this.#login(device, name, refusal);
    }
    return this.#login(device, name, undefined);
  }

  /** Returns the reason why the homeserver does not let us make the device, or act as it. */
  async #makeNamed(device: Device, name: string, isProved: boolean): Promise<string | undefined> {
    try {
      await putDevice(this.#client, device, name);
      if (isProved) return undefined;
      if ((await deviceSeen(this.#client, device)) === device.deviceId) {
        this.#way = { kind: "named" };
        return undefined;
      }
      return "it does not let application services act as a device (MSC4326)";
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return String(error instanceof Error ? error.message : error);
    }
  }

  async #login(device: Device, name: string, refusal: string | undefined): Promise<string> {
    try {
      const token = await loginDevice(this.#client, device, name);
      this.#way = { kind: "by login" };
      return token;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const reasons = [refusal, error instanceof Error ? error.message : String(error)].filter(Boolean).join("; ");
      const why = new DevicesRefused(reasons, { cause: error });
      this.#way = { kind: "none", until: performance.now() + ASKED_AGAIN_AFTER_MS, why };
      await this.#tell(reasons);
      throw why;
    }
  }

  async #tell(reason: string): Promise<void> {
    if (this.#isTold) return;
    this.#isTold = true;
    const homeserver = nameOf(await softwareOf(this.#client));
    this.#log.error(
      { homeserver, reason },
      "the homeserver gives application services no devices: agents answer only in rooms that are not encrypted",
    );
  }
}
