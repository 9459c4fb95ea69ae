import type { Software } from "../homeserver/software.ts";

/**
 * The instructions for installing a registration file.
 *
 * @param software the homeserver's; Synapse where it is unknown.
 */
export function instructions(file: string, software?: Software): string {
  const name = software?.name.toLowerCase() ?? "synapse";
  if (name === "dendrite") return inDendrite(file);
  if (IN_ADMIN_ROOM.test(name)) return inAdminRoom(file, software?.name ?? "");
  return inSynapse(file);
}

/** Conduit and its children. */
const IN_ADMIN_ROOM = /^(conduit|conduwuit|continuwuity|tuwunel)$/;

function inSynapse(file: string): string {
  return `Add it to Synapse's homeserver.yaml, under a path where Synapse can read it, and restart Synapse:

app_service_config_files:
  - ${JSON.stringify(file)}

That is all it needs. Optional: with these lines agents react sooner to things without a message, such as a verification:

experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
`;
}

function inDendrite(file: string): string {
  return `Add it to dendrite.yaml, under a path where Dendrite can read it, and restart Dendrite:

app_service_api:
  config_files:
    - ${JSON.stringify(file)}

That is all it needs.
`;
}

function inAdminRoom(file: string, name: string): string {
  return `Give it to ${name} in its admin room, by its command for registering application services, with the content of ${file}.

That is all it needs.
`;
}
