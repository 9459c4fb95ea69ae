import type { JsonObject } from "../../matrix/json.ts";
import type { Logger } from "../../observability/log.ts";
import { ToDeviceQuota, type Standing } from "./to-device-quota.ts";
import type { DeviceSurroundings } from "./device-surroundings.ts";

/**
 * Guards a ghost's device: it passes only useful messages to the engine, and a limited number from each sender; see
 * {@link ToDeviceQuota}. Refused messages are lost, because `/sync` goes on. Each ghost of the process has one, so that
 * reopening a device does not reset the counts.
 */
export class ToDeviceGate {
  readonly #userId: string;
  readonly #services: Pick<DeviceSurroundings, "permissions" | "memberships" | "metrics">;
  readonly #log: Logger;
  readonly #quota: ToDeviceQuota;

  constructor(
    userId: string,
    services: Pick<DeviceSurroundings, "permissions" | "memberships" | "metrics">,
    log: Logger,
  ) {
    this.#userId = userId;
    this.#services = services;
    this.#log = log;
    this.#quota = new ToDeviceQuota(userId);
  }

  /** The messages for the engine, in their order. Throws DatabaseError. */
  async admit(messages: readonly JsonObject[]): Promise<readonly JsonObject[]> {
    const standings = await this.#standings(new Set(messages.flatMap((message) => senderOf(message) ?? [])));
    const now = performance.now();
    const admitted = messages.filter((message) => {
      const [sender, { type }] = [senderOf(message), message];
      const standing = standings.get(sender ?? "");
      if (sender === undefined || typeof type !== "string" || standing === undefined) return false;
      const isTaken = this.#quota.take({ sender, type }, standing, now);
      const why = standing === "stranger" ? "stranger" : "quota";
      if (!isTaken) this.#services.metrics?.toDeviceRefused.inc({ why });
      return isTaken;
    });
    const count = messages.length - admitted.length;
    if (count > 0) this.#log.warn({ count }, "to-device messages refused: from strangers, or too many from one sender");
    return admitted;
  }

  async #standings(senders: ReadonlySet<string>): Promise<ReadonlyMap<string, Standing>> {
    const { permissions, memberships } = this.#services;
    const ghost = this.#userId;
    const mayUse = (userId: string): boolean => permissions.allowsSomewhere({ act: "overheard", userId, ghost });
    const others = [...senders].filter((userId) => !mayUse(userId));
    const neighbours = new Set(others.length === 0 ? [] : await memberships.neighbours(ghost, others));
    return new Map(
      [...senders].map((userId) => {
        if (!others.includes(userId)) return [userId, "user"];
        return [userId, neighbours.has(userId) ? "neighbour" : "stranger"];
      }),
    );
  }
}

function senderOf({ sender }: JsonObject): string | undefined {
  return typeof sender === "string" ? sender : undefined;
}
