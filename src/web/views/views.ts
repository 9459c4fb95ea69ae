import { agents } from "./agents.ts";
import { agreements } from "./agreements.ts";
import { audit } from "./audit.ts";
import { checks } from "./checks.ts";
import { mail } from "./mail.ts";
import { models } from "./models.ts";
import { rooms } from "./rooms.ts";
import { settings } from "./settings.ts";
import { system } from "./system.ts";
import { usage } from "./usage.ts";
import { verifications } from "./verifications.ts";
import type { View } from "./view.ts";
import { VIEW_NAMES, viewPath, type ViewName } from "./view-names.ts";
import { work } from "./work.ts";

/** The views by name. */
export const VIEWS: Readonly<Record<ViewName, View>> = {
  agents,
  work,
  verifications,
  rooms,
  agreements,
  usage,
  models,
  mail,
  audit,
  checks,
  settings,
  system,
};

/** The view at a path; undefined where there is none. */
export function viewAt(path: string): ViewName | undefined {
  return VIEW_NAMES.find((name) => viewPath(name) === path);
}
