import type { Check } from "./check.ts";
import { backup, crossSigning, devices, oneTimeKeys } from "./checks/agents.ts";
import { bridge, namespace, ping, soleBridge } from "./checks/bridge.ts";
import { database, mailbox, migrations, rooms, sealing } from "./checks/database.ts";
import { clock, features, homeserver, rateLimit, registered, signIn } from "./checks/homeserver.ts";
import { disk, files, masterKey } from "./checks/machine.ts";
import { models, providers } from "./checks/providers.ts";

/** All that a doctor looks at, from the ground up. */
export const CHECKS: readonly Check[] = [
  files,
  disk,
  database,
  migrations,
  masterKey,
  sealing,
  homeserver,
  clock,
  registered,
  rateLimit,
  bridge,
  ping,
  soleBridge,
  namespace,
  signIn,
  features,
  devices,
  oneTimeKeys,
  crossSigning,
  backup,
  mailbox,
  rooms,
  providers,
  models,
];

/** The check that comes before all others: without the configuration there is nothing to look at. */
export const CONFIG_CHECK = "config";

/** The check that is made on request alone. */
export const ROUNDTRIP_CHECK = "roundtrip";
