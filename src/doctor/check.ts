import type { Patient } from "./patient.ts";

/** The result of a check. */
export type Finding =
  | { readonly status: "good"; readonly text: string }
  /** `mend` is the remedy, in words or as a command. */
  | { readonly status: "bad"; readonly text: string; readonly mend: string }
  /** The check does not apply, or has no answer now. */
  | { readonly status: "unknown"; readonly text: string };

/** One thing that the doctor checks. */
export interface Check {
  /** The check's name in `--json` and in docs/troubleshooting.md. */
  readonly name: string;
  /**
   * Returns the findings, one line each; at least one. Throws only for a fault of ours, or when the homeserver goes
   * away.
   */
  run(patient: Patient): Promise<readonly Finding[]>;
}

export function good(text: string): Finding {
  return { status: "good", text };
}

export function bad(text: string, mend: string): Finding {
  return { status: "bad", text, mend };
}

export function unknown(text: string): Finding {
  return { status: "unknown", text };
}
