import { isGlob, matchesGlob } from "../text/glob.ts";
import { serverOf, withoutPort } from "../matrix/server-name.ts";

/** The objects of a ban list's rules (spec "Moderation policy lists"). */
export type BanKind = "user" | "server" | "room";

/** A rule that recommends a ban. */
export interface BanRule {
  readonly kind: BanKind;
  /** A user id, a server name or a room id, or a glob of such. */
  readonly entity: string;
}

/** The fields of a state event that a rule needs. */
export interface PolicyEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** Ids are no longer (spec "Identifier Grammar"), and a longer glob matches none. */
const LONGEST_ENTITY = 255;

/** The types of rules, including the older names. */
const KINDS: ReadonlyMap<string, BanKind> = new Map(
  (["user", "server", "room"] as const).flatMap((kind) =>
    [`m.policy.rule.${kind}`, `m.room.rule.${kind}`, `org.matrix.mjolnir.rule.${kind}`].map((type) => [type, kind]),
  ),
);

const BAN: ReadonlySet<unknown> = new Set(["m.ban", "org.matrix.mjolnir.ban"]);

/** Whether a state event is a rule, or revokes one. */
export function isPolicyEvent({ type, state_key: key }: Pick<PolicyEvent, "type" | "state_key">): boolean {
  return key !== undefined && KINDS.has(type);
}

/** The bans that a policy room's state recommends, each once. Other events and recommendations are ignored. */
export function parseBanList(state: readonly PolicyEvent[]): BanRule[] {
  const rules = new Map<string, BanRule>();
  for (const event of state) {
    const kind = event.state_key === undefined ? undefined : KINDS.get(event.type);
    const { entity, recommendation } = event.content;
    if (kind === undefined || typeof entity !== "string" || !BAN.has(recommendation)) continue;
    if (!isEntity(entity)) continue;
    rules.set(`${kind} ${entity}`, { kind, entity });
  }
  return [...rules.values()];
}

function isEntity(entity: string): boolean {
  return entity !== "" && entity.length <= LONGEST_ENTITY && entity.isWellFormed() && !/\p{Cc}/u.test(entity);
}

/** The users, servers and rooms that all lists ban. */
export class Bans {
  readonly #exact = new Set<string>();
  readonly #globs: Readonly<Record<BanKind, string[]>> = { user: [], server: [], room: [] };

  constructor(rules: Iterable<BanRule> = []) {
    for (const { kind, entity } of rules) {
      const name = kind === "server" ? entity.toLowerCase() : entity;
      if (isGlob(name)) this.#globs[kind].push(name);
      else this.#exact.add(`${kind} ${name}`);
    }
  }

  /** Whether a user or the user's server is banned. */
  hasUser(userId: string): boolean {
    return this.#has("user", userId) || this.#has("server", withoutPort(serverOf(userId)));
  }

  hasRoom(roomId: string): boolean {
    return this.#has("room", roomId);
  }

  #has(kind: BanKind, name: string): boolean {
    return this.#exact.has(`${kind} ${name}`) || this.#globs[kind].some((glob) => matchesGlob(glob, name));
  }
}
