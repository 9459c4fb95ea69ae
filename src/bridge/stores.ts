import { RoomLanguage } from "../answering/room-language.ts";
import { AgentPauses } from "../agents/pauses.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { CommandMenus } from "../commands/command-menus.ts";
import { GhostStore } from "../ghost/ghost-store.ts";
import { Outbox } from "../ghost/outbox.ts";
import { Memberships } from "../mailbox/memberships.ts";
import { Forgetting } from "../memory/forgetting.ts";
import { History } from "../memory/history.ts";
import { keptFor } from "../memory/retention.ts";
import { RoomSearch } from "../memory/room-search.ts";
import { QuotedMessages } from "../memory/quoted-messages.ts";
import { ReadFiles } from "../memory/read-files.ts";
import { Summaries } from "../memory/summaries.ts";
import { BanLists } from "../permissions/ban-lists.ts";
import { InviteQuota } from "../permissions/invite-quota.ts";
import { auditOfRefusal, Permissions } from "../permissions/permissions.ts";
import { Consents } from "../privacy/consents.ts";
import { PrivacyGate } from "../privacy/gate.ts";
import { ProviderRequests } from "../privacy/provider-requests.ts";
import { KnownModels } from "../providers/model-facts.ts";
import { Reminders } from "../reminders/reminders.ts";
import { Rooms } from "../rooms/rooms.ts";
import { RoomSettingsStore } from "../rooms/settings-store.ts";
import { MasterKey } from "../sealing/master-key.ts";
import { confirmSealed } from "../sealing/seal-existing.ts";
import { Seals } from "../sealing/seals.ts";
import { ownTools } from "../tools/own/all.ts";
import { OwnTools } from "../tools/own/own-tools.ts";
import { PersonalToolServer } from "../tools/sign-in/personal-tool-server.ts";
import { ToolGrants } from "../tools/tool-grants.ts";
import { ToolServers } from "../tools/tool-servers.ts";
import { Allowances } from "../turns/allowances.ts";
import { Exchanges } from "../turns/exchanges.ts";
import { TurnStore } from "../turns/turn-store.ts";
import type { Foundation } from "./foundation.ts";
import { makeToolSignIns, type ToolSignInParts } from "./tool-sign-ins.ts";

/** The owners of tables, and the parts that decide by their rows. */
export type Stores = Awaited<ReturnType<typeof openStores>>;

/** Throws DatabaseError, and MasterKeyError where the master key is wrong. */
export async function openStores(foundation: Foundation) {
  const { database, config, settings: inForce, log } = foundation;
  const audit = new AuditLog(database);
  const rooms = new Rooms(database, log);
  const masterKey = await MasterKey.open(config.encryption.masterKey, database);
  const seals = new Seals(database, masterKey, log);
  await confirmSealed(database, seals, log);
  const { banLists, permissions } = await openPermissions(foundation, audit);
  const history = new History(database, seals);
  const settings = new RoomSettingsStore(database, seals, (name) => permissions.settersOf(name) === "nobody");
  const memberships = new Memberships(database);
  const models = new KnownModels();
  const consents = new Consents(database);
  const requests = new ProviderRequests(database);
  const turns = new TurnStore(database, seals);
  const allowances = new Allowances(database, () => inForce().limits);
  const reminders = new Reminders(database, seals);
  const { tools, toolSignIns } = openTools(foundation, { rooms, seals, reminders });
  const pauses = new AgentPauses(database);
  await pauses.refresh();
  const isEncrypted = (roomId: string): Promise<boolean> => rooms.isEncrypted(roomId);
  return {
    audit,
    rooms,
    masterKey,
    seals,
    banLists,
    permissions,
    history,
    quoted: new QuotedMessages(database, seals),
    forgetting: new Forgetting(database, seals),
    settings,
    models,
    consents,
    requests,
    grants: new ToolGrants(database),
    pauses,
    isEncrypted,
    invites: new InviteQuota(database, () => inForce().permissions),
    allowances,
    turns,
    reminders,
    tools,
    toolSignIns,
    outbox: new Outbox(database, seals),
    readFiles: new ReadFiles(database, seals),
    exchanges: new Exchanges(database, seals),
    summaries: new Summaries(database, seals, history, log),
    language: new RoomLanguage({
      settings,
      history,
      memberships,
      configured: () => inForce().answers.language,
    }),
    memberships,
    ghostStore: new GhostStore(database),
    menus: new CommandMenus(database),
    privacy: new PrivacyGate({ settings: () => inForce().privacy, consents, requests, models, isEncrypted }),
  };
}

/** The servers of tools, and our own tools, which read and write our tables. */
function openTools(
  foundation: Foundation,
  { rooms, seals, reminders }: { readonly rooms: Rooms; readonly seals: Seals; readonly reminders: Reminders },
): { readonly tools: ToolServers; readonly toolSignIns: ToolSignInParts } {
  const { database, settings, closers, log, metrics } = foundation;
  const toolSignIns = makeToolSignIns(foundation, seals);
  const search = new RoomSearch(database, seals, async (roomId) => {
    const ageMs = keptFor(settings().memory.retentionMs, await rooms.lifetimeOf(roomId));
    return ageMs === undefined ? 0 : Date.now() - ageMs;
  });
  const tools = new ToolServers(settings().tools, {
    makeOwn: (name, own) => new OwnTools(name, own, ownTools(own, { search, reminders })),
    makePersonal: (name, server) => new PersonalToolServer(name, server, toolSignIns.tokens, log),
    log,
    metrics,
  });
  closers.add(() => tools.stop());
  return { tools, toolSignIns };
}

async function openPermissions(
  { database, client, settings, botUserId, background, closers, log }: Foundation,
  audit: AuditLog,
): Promise<{ readonly banLists: BanLists; readonly permissions: Permissions }> {
  const banLists = new BanLists({ database, client, settings: () => settings().permissions, botUserId, log });
  closers.add(() => banLists.stop());
  await banLists.load();
  const permissions = new Permissions({
    settings,
    botUserId,
    bans: () => banLists.bans,
    refused: (refused) => {
      const entry = auditOfRefusal(refused);
      if (entry !== undefined) background.run("the audit log", () => audit.record(database, entry));
    },
  });
  return { banLists, permissions };
}
