import type { Actor, AuditEntry } from "../audit/audit-entry.ts";
import type { Installer, PullProgress } from "../providers/provider.ts";

/** A wish to have a model installed. */
export interface PullRequest {
  readonly provider: Installer;
  readonly model: string;
  /** The one who wishes it. */
  readonly by: Actor;
  /** Records it in the audit log. */
  readonly note: (entry: AuditEntry) => Promise<void>;
  /** Ends the installation; when asked again, the server continues it. */
  readonly signal: AbortSignal;
}

/**
 * Records that somebody has a provider install a model, and resolves with the progress of that, which begins when it is first
 * asked for and ends when the model is there. The progress throws ProviderError; the function itself throws the error of `note`.
 */
export async function beginPull(request: PullRequest): Promise<AsyncIterable<PullProgress>> {
  const { provider, model, by, note, signal } = request;
  await note({ kind: "admin.command", by, command: "pull", subject: `${provider.name} ${model}` });
  return provider.pull(model, signal);
}
