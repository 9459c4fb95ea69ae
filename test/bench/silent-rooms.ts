import { startHttpProxy, type HttpProxy } from "../support/http-proxy.ts";
import { PersonOfKeys, withKeysOf } from "../support/many-devices.ts";
import type { User } from "../support/user.ts";
import type { Chat } from "./asking.ts";
import { SilentMembers } from "./silent-members.ts";
import { startStage, type Stage } from "./stage.ts";

/** What went over the wire from the bridge to Synapse. */
interface Wire {
  /** The silent members, whose keys are handed out there. */
  readonly people: Map<string, PersonOfKeys>;
  /** The time of making keys, which would be their clients' work, in ms. */
  makingMs: number;
  calls: number;
  /** The bytes of the calls' bodies. */
  bytes: number;
}

/** A room whose agent has just greeted its members: all their devices have the agent's key. */
export interface GreetedRoom {
  readonly chat: Chat;
  /**
   * From the invitation of the agent to the greeting that the person's client has decrypted, in ms, without the time of
   * making the devices' keys.
   */
  readonly greetedMs: number;
}

/**
 * Rooms with one person who asks an agent. All others are members of Synapse without a client. Their devices are only in
 * Synapse's answers about keys, and get keys like others.
 */
export class SilentRooms {
  readonly stage: Stage;
  readonly wire: Wire;
  /** Who asks in all of them. */
  readonly person: User;
  readonly #members: SilentMembers;
  readonly #proxy: HttpProxy;

  private constructor(stage: Stage, wire: Wire, person: User, members: SilentMembers, proxy: HttpProxy) {
    this.stage = stage;
    this.wire = wire;
    this.person = person;
    this.#members = members;
    this.#proxy = proxy;
  }

  static async start(): Promise<SilentRooms> {
    const members = await SilentMembers.prepare();
    const wire: Wire = { people: new Map(), makingMs: 0, calls: 0, bytes: 0 };
    let port = 0;
    const proxy = await startHttpProxy(() => port);
    watch(proxy, wire);
    let stage: Stage | undefined;
    try {
      stage = await startStage({
        agents: 1,
        registrations: [members.registration],
        // The product's default, which the tests switch off.
        extraConfig: { answers: { welcome: true } },
        through: (edge, url) => {
          if (edge !== "bridge to synapse") return Promise.resolve(url);
          port = Number(new URL(url).port);
          return Promise.resolve(proxy.url);
        },
      });
      return new SilentRooms(stage, wire, await stage.deployment.user("js-sdk", "person"), members, proxy);
    } catch (error) {
      await stage?.stop();
      await proxy.stop();
      throw error;
    }
  }

  /**
   * Makes a room with this number of silent members and this number of devices for each, and invites the agent.
   *
   * @param first the number of the first member: rooms share members with equal numbers, whose devices stay.
   */
  async make(silent: number, devicesEach: number, first = 0): Promise<GreetedRoom> {
    const { deployment, names } = this.stage;
    const agent = deployment.agent(names[0] ?? "");
    const userIds = this.#members.ids(silent, first);
    for (const userId of userIds) {
      if (this.wire.people.has(userId)) continue;
      const keys = new PersonOfKeys(userId, devicesEach);
      this.wire.people.set(userId, keys);
      // Its devices are made now.
      keys.query();
    }
    const roomId = await this.person.createRoom({ preset: "public_chat" });
    await this.#members.join(deployment.synapse.url, roomId, userIds);
    const before = { at: performance.now(), makingMs: this.wire.makingMs };
    await this.person.invite(roomId, agent);
    await this.person.waitMessage({ roomId, sender: agent, timeoutMs: 600_000 });
    const greetedMs = performance.now() - before.at - (this.wire.makingMs - before.makingMs);
    return { chat: { person: this.person, roomId, agent }, greetedMs };
  }

  async stop(): Promise<void> {
    await this.stage.stop();
    await this.#proxy.stop();
  }
}

function watch(proxy: HttpProxy, wire: Wire): void {
  proxy.intercept = async (request) => {
    wire.calls++;
    wire.bytes += request.body.byteLength;
    const answer = await proxy.forward(request);
    const started = performance.now();
    const withKeys = withKeysOf(wire.people, request, answer);
    wire.makingMs += performance.now() - started;
    return withKeys;
  };
}
