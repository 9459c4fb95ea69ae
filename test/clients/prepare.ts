import { basename } from "node:path";
import { buildMautrixUser } from "../support/mautrix.ts";
import { ensurePrograms, NHEKO } from "./programs.ts";

/**
 * Builds and installs what the clients of these test files are; quick when it is there.
 *
 * @returns the files that can be run here, and in words what can't be looked at for want of programs.
 */
export async function prepareClients(
  files: readonly string[],
  progress: (line: string) => void,
): Promise<{ readonly files: readonly string[]; readonly leftOut: string | undefined }> {
  if (files.length === 0) return { files, leftOut: undefined };
  await buildMautrixUser(progress);
  const others = files.filter((file) => basename(file) !== "nheko.test.ts");
  const missing = others.length === files.length ? undefined : ensurePrograms(NHEKO, progress);
  if (missing === undefined) return { files, leftOut: undefined };
  return { files: others, leftOut: `nheko was not looked at: ${missing}` };
}
