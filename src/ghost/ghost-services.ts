import type { CryptoStore } from "../crypto/store/crypto-store.ts";
import type { Database } from "../database/database.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import type { Mailbox } from "../mailbox/mailbox.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import type { Logger } from "../observability/log.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { GhostListener } from "./listener.ts";
import type { GhostStore } from "./ghost-store.ts";
import type { Outbox } from "./outbox.ts";
import type { Profile } from "./profile.ts";

/** What every ghost works with. */
export interface GhostServices {
  readonly database: Database;
  readonly client: HomeserverClient;
  readonly mailbox: Mailbox;
  readonly rooms: Rooms;
  readonly store: GhostStore;
  readonly outbox: Outbox;
  readonly cryptoStore: CryptoStore;
  readonly masterKey: MasterKey;
  readonly listener: GhostListener;
  /** How a ghost is to look; undefined leaves it as it is. */
  readonly profileOf: (userId: string) => Profile | undefined;
  readonly mayInvite: (userId: string) => boolean;
  readonly log: Logger;
}
