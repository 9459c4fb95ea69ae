import type { Command, NamedCommand } from "./command.ts";

/**
 * All commands by name, in the order of the help. Each is loaded only on demand: `start` restricts its process before
 * anything else is loaded, and the others start faster alone.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  init: () => import("./commands/init.ts"),
  start: () => import("./commands/start.ts"),
  "generate-registration": () => import("./commands/generate-registration.ts"),
  doctor: () => import("./commands/doctor.ts"),
  "check-config": () => import("./commands/check-config.ts"),
  reload: () => import("./commands/reload.ts"),
  health: () => import("./commands/health.ts"),
  mailbox: () => import("./commands/mailbox.ts"),
  rooms: () => import("./commands/rooms.ts"),
  pause: () => import("./commands/pause.ts"),
  resume: () => import("./commands/resume.ts"),
  adopt: () => import("./commands/adopt.ts"),
  verify: () => import("./commands/verify.ts"),
  pull: () => import("./commands/pull.ts"),
  tools: () => import("./commands/tools.ts"),
  privacy: () => import("./commands/privacy.ts"),
  web: () => import("./commands/web.ts"),
  backup: () => import("./commands/backup.ts"),
  restore: () => import("./commands/restore.ts"),
  audit: () => import("./commands/audit.ts"),
  fingerprints: () => import("./commands/fingerprints.ts"),
  "keys backup": () => import("./commands/keys/backup.ts"),
  "keys recovery-key": () => import("./commands/keys/recovery-key.ts"),
  "keys new-device": () => import("./commands/keys/new-device.ts"),
  "keys restore": () => import("./commands/keys/restore.ts"),
  "keys reset-identity": () => import("./commands/keys/reset-identity.ts"),
  "keys export": () => import("./commands/keys/export.ts"),
  "keys import": () => import("./commands/keys/import.ts"),
  "keys seal-existing": () => import("./commands/keys/seal-existing.ts"),
  "keys rotate-master": () => import("./commands/keys/rotate-master.ts"),
  completion: () => import("./commands/completion.ts"),
};

/** Loads the commands that `wanted` selects, in the order of the help. Loading all of them takes a moment. */
export async function loadCommands(wanted: (name: string) => boolean): Promise<NamedCommand[]> {
  const entries = Object.entries(COMMANDS).filter(([name]) => wanted(name));
  return Promise.all(entries.map(async ([name, load]) => ({ name, command: (await load()).command })));
}
