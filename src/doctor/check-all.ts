import type { SystemUser } from "../observability/user-name.ts";
import type { Finding } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { asUser } from "./owner.ts";
import type { Patient } from "./patient.ts";
import type { Result } from "./report.ts";

/** Makes all checks of an installation. Throws for a fault of ours, and when the homeserver goes away. */
export async function checkAll(patient: Patient): Promise<Result[]> {
  return Promise.all(
    CHECKS.map(async (check) => ({
      check: check.name,
      findings: (await check.run(patient)).map((finding) => forUser(finding, patient.user)),
    })),
  );
}

/** A finding with its remedy as this user has to type it. */
export function forUser(finding: Finding, user: SystemUser | undefined): Finding {
  return finding.status === "bad" ? { ...finding, mend: asUser(finding.mend, user) } : finding;
}
