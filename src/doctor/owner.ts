import { stat } from "node:fs/promises";
import type { Config } from "../config/config.ts";
import { currentUser, systemUser, type SystemUser } from "../observability/user-name.ts";

/**
 * The user that runs the bridge: this process's own, but for root, which looks on behalf of the owner of the data, or,
 * before there are any, of the registration. Undefined on systems without users.
 */
export async function bridgeUser({ dataDir, appservice }: Config): Promise<SystemUser | undefined> {
  const self = currentUser();
  if (self?.uid !== 0) return self;
  for (const path of [dataDir, appservice.registration]) {
    const owner = await stat(path).then(
      ({ uid }) => uid,
      () => undefined,
    );
    if (owner !== undefined) return owner === 0 ? self : systemUser(owner);
  }
  return self;
}

/** Commands of `matrix-agents` in a remedy, as this user has to type them: root must not leave files behind. */
export function asUser(mend: string, user: SystemUser | undefined): string {
  if (user === undefined || user.uid === currentUser()?.uid) return mend;
  return mend.replaceAll(/(?<![\w-])matrix-agents (?=[a-z])/g, `sudo -u ${user.name} $&`);
}
