import type { Patient } from "./patient.ts";

/** What a check found. */
export type Finding =
  | { readonly status: "good"; readonly text: string }
  /** `mend` is what to do, in words or as a command. */
  | { readonly status: "bad"; readonly text: string; readonly mend: string }
  /** Does not apply, or can't be told now. */
  | { readonly status: "unknown"; readonly text: string };

/** One thing that is looked at. */
export interface Check {
  /** Names it in `--json` and in docs/troubleshooting.md. */
  readonly name: string;
  /** What it finds, one line each; at least one. Throws only what is a fault of ours, or the homeserver's sudden end. */
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
