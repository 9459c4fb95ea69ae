import { packageFile } from "../observability/package-file.ts";

/** The folder in which systemd lays the credentials of each service that runs. */
const CREDENTIALS = "/run/credentials/";

/** Why a file that systemd hands to a service is not there; undefined for any other file. */
export function whyNoCredential(path: string): string | undefined {
  if (!path.startsWith(CREDENTIALS)) return undefined;
  return `systemd lays it there only while the service runs: start that, or see "While the service is stopped" in ${packageFile("docs/deployment.md")}`;
}
