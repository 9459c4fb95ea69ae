import type { CloudPolicy } from "../config/config.ts";
import type { Provider } from "../providers/provider.ts";
import type { RoomOfGhosts } from "../rooms/rooms-of-ghosts.ts";
import type { Consents, Decision } from "./consents.ts";
import type { Destination, PrivacyGate } from "./gate.ts";
import { countedIn } from "./policy.ts";
import type { ProviderRequests, SentTo } from "./provider-requests.ts";

/** The privacy of one agent in a room. */
interface AgentPrivacy {
  readonly ghost: string;
  /** The recipient of its messages; undefined where its model has gone, or its provider can't be asked. */
  readonly destination: Destination | undefined;
  /** What the room's moderators have decided for it, about this recipient or another. */
  readonly decisions: readonly (Decision & {
    /** Whether it still counts: an unencrypted consent does not in a room that is now encrypted. */
    readonly counts: boolean;
  })[];
}

/** The recipients of a room's messages. It holds no message. */
export interface RoomPrivacy extends Omit<RoomOfGhosts, "ghosts"> {
  /** The admin's rule about what leaves the network. */
  readonly policy: CloudPolicy;
  readonly agents: readonly AgentPrivacy[];
  /** The requests of the last days. */
  readonly sent: readonly SentTo[];
}

/** The parts that know a room's privacy. */
export interface PrivacySources {
  readonly gate: PrivacyGate;
  readonly consents: Consents;
  readonly requests: ProviderRequests;
  /** The model that a ghost has in a room, and its provider; undefined for one that is no agent now. */
  readonly modelIn: (
    ghost: string,
    roomId: string,
  ) => Promise<{ readonly provider: Provider; readonly model: string } | undefined>;
}

/**
 * Describes where the words of a room go. Providers are asked where their models run. Throws DatabaseError, and the errors of
 * `modelIn`.
 *
 * @param days the age of the shown requests.
 */
export async function privacyOfRoom(
  { roomId, name, isEncrypted, ghosts }: RoomOfGhosts,
  { gate, consents, requests, modelIn }: PrivacySources,
  days: number,
): Promise<RoomPrivacy> {
  const [policy, decisions, sent] = await Promise.all([
    gate.policyIn({ roomId, encrypted: isEncrypted }),
    consents.ofRoom(roomId),
    requests.since(roomId, days),
  ]);
  const agents: AgentPrivacy[] = [];
  for (const ghost of ghosts) {
    const used = await modelIn(ghost, roomId);
    agents.push({
      ghost,
      destination: used && (await gate.destinationNow(used.provider, used.model)),
      decisions: decisions
        .filter((one) => one.ghost === ghost)
        .map((one) => ({ ...one, counts: countedIn(isEncrypted, one) !== undefined })),
    });
  }
  return { roomId, name, isEncrypted, policy, agents, sent };
}
