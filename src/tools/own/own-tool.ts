import type { ToolResult } from "../tool-result.ts";
import type { CallContext } from "../tool-source.ts";

/** A call of a tool of our own: its arguments, which fit its schema's plain parts, and the question behind it. */
export interface OwnCall extends CallContext {
  readonly given: Readonly<Record<string, unknown>>;
  /** Aborted when nobody waits for the result any more, or it took too long. */
  readonly signal: AbortSignal;
}

/** A tool of our own. */
export interface OwnTool {
  /** As a server describes its tools: MCP 2026-07-28, "Tool". */
  readonly definition: {
    readonly name: string;
    readonly description: string;
    readonly inputSchema: object;
    readonly annotations: {
      readonly readOnlyHint: boolean;
      readonly idempotentHint?: boolean;
      readonly openWorldHint: boolean;
    };
  };
  /** Throws ToolFailure, the signal's reason, and DatabaseError. */
  run(call: OwnCall): Promise<ToolResult>;
}

/** A result. */
export function said(text: string): ToolResult {
  return { text, isError: false };
}

/** A call that can't be carried out as it is, in words for the model. */
export function notDone(why: string): ToolResult {
  return { text: `Not done: ${why}`, isError: true };
}
