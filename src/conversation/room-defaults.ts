import type { Agent } from "../ghost/agents.ts";
import type { RoomDefaults } from "../rooms/settings.ts";

/** What a room has for an agent that it sets nothing for. One whose words leave the network hears what is said to it alone. */
export function roomDefaults(defaults: RoomDefaults, agent: Agent | undefined): RoomDefaults {
  return agent?.locality === "cloud" ? { ...defaults, listen: "off" } : defaults;
}
