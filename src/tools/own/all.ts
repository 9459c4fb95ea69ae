import type { OwnToolsConfig } from "../../config/config.ts";
import type { RoomSearch } from "../../memory/room-search.ts";
import type { Reminders } from "../../reminders/reminders.ts";
import type { OwnTool } from "./own-tool.ts";
import { readUrl } from "./read-url.ts";
import { remindTool } from "./remind.ts";
import { searchRoom } from "./search-room.ts";
import { timeTool } from "./time.ts";

/** The parts of the bridge that its own tools use. */
export interface OwnServices {
  readonly search: Pick<RoomSearch, "find">;
  readonly reminders: Pick<Reminders, "add">;
}

/** All tools of our own, for an entry of the configuration. */
export function ownTools(config: OwnToolsConfig, { search, reminders }: OwnServices): readonly OwnTool[] {
  return [timeTool(config.timeZone), searchRoom(search), readUrl(config), remindTool(reminders, config.timeZone)];
}
