import { OperatorError } from "../observability/operator-error.ts";
import { changesOf } from "./changes.ts";
import type { Config } from "./config.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";

/** What stands against taking over the configuration as it is on the disk; nothing of it is taken over. */
export type ReloadObstacle =
  /** Some changes need a restart; `untouched` are the others, which wait for it. */
  | { readonly kind: "restart"; readonly restart: readonly string[]; readonly untouched: readonly string[] }
  /** `problems` are the places in the file, where it is the file that is wrong; `reason` says all, in words. */
  | { readonly kind: "mistakes"; readonly reason: string; readonly problems: readonly ConfigProblem[] };

/** The effect that reading the configuration again would have. Names are those of settings, as in config.yaml. */
export type ReloadPreview =
  { readonly kind: "unchanged" } | { readonly kind: "changes"; readonly changed: readonly string[] } | ReloadObstacle;

/** The outcome of reading the configuration again. */
export type Reloaded =
  { readonly kind: "unchanged" } | { readonly kind: "applied"; readonly changed: readonly string[] } | ReloadObstacle;

/** The effect of replacing one configuration by another. */
export function previewOf(now: Config, next: Config): Exclude<ReloadPreview, { kind: "mistakes" }> {
  const { live, restart } = changesOf(now, next);
  if (restart.length > 0) return { kind: "restart", restart, untouched: live };
  return live.length === 0 ? { kind: "unchanged" } : { kind: "changes", changed: live };
}

/** The mistakes that an error tells of; undefined for an error that is no mistake of whoever runs the bridge. */
export function mistakesOf(error: unknown): Extract<ReloadObstacle, { kind: "mistakes" }> | undefined {
  if (!(error instanceof OperatorError)) return undefined;
  return { kind: "mistakes", reason: error.message, problems: error instanceof ConfigError ? error.problems : [] };
}
