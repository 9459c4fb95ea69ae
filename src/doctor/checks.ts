import type { Check } from "./check.ts";
import { backup, crossSigning, devices, oneTimeKeys, pauses } from "./checks/agents.ts";
import { bridge, namespace, ping, sessions, soleBridge } from "./checks/bridge.ts";
import { database, mailbox, migrations, rooms, sealing } from "./checks/database.ts";
import { clock, features, homeserver, rateLimit, registered, signIn } from "./checks/homeserver.ts";
import { disk, files, masterKey } from "./checks/machine.ts";
import { models, providers } from "./checks/providers.ts";
import { tools } from "./checks/tools.ts";

/** All checks, in the order in which they build on each other. */
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
  sessions,
  signIn,
  features,
  pauses,
  devices,
  oneTimeKeys,
  crossSigning,
  backup,
  mailbox,
  rooms,
  providers,
  models,
  tools,
];

/** The first check: without a configuration there is nothing to check. */
export const CONFIG_CHECK = "config";

/** The check that runs only on request. */
export const ROUNDTRIP_CHECK = "roundtrip";
