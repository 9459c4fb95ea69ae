import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { Actor } from "../audit/audit-entry.ts";
import type { Config } from "../config/config.ts";
import type { Reloaded, ReloadPreview } from "../config/reload.ts";
import type { Database } from "../database/database.ts";
import type { Result } from "../doctor/report.ts";
import type { Ghosts } from "../ghost/ghosts.ts";
import type { Processes } from "../leases/processes.ts";
import type { Logger } from "../observability/log.ts";
import type { PrivacySources } from "../privacy/room-privacy.ts";
import type { Provider } from "../providers/provider.ts";
import type { PagePulls } from "./pulls.ts";
import type { ArrivingPeople } from "./sign-in/tool-sign-in-page.ts";
import type { RoleRules } from "./role.ts";

/** The parts of a running bridge that the page shows and asks. */
export interface WebParts extends RoleRules {
  readonly settings: () => Config;
  readonly database: Database;
  readonly directory: Pick<AgentDirectory, "list" | "agentOf">;
  /** Read anew each time, because a reload replaces them. */
  readonly providers: () => ReadonlyMap<string, Provider>;
  readonly ghosts: Pick<Ghosts, "isHalted">;
  readonly processes: Pick<Processes, "self" | "notify">;
  readonly privacy: PrivacySources;
  /** Runs the doctor's checks. */
  readonly examine: () => Promise<readonly Result[]>;
  /** config.yaml, for reading it again. */
  readonly configuration: {
    readonly path: string;
    preview(): Promise<ReloadPreview>;
    apply(by: Actor): Promise<Reloaded>;
  };
  readonly pulls: PagePulls;
  /** People who sign in to tool servers, and come back here. */
  readonly toolSignIns: ArrivingPeople;
  readonly log: Logger;
}
