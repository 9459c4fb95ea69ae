import type { ToolRules, ToolServerConfig } from "../config/config.ts";
import type { CallInput } from "../turns/call-input.ts";
import type { TurnStep } from "../turns/turn-step.ts";
import type { Turn } from "../turns/turn.ts";
import type { KnownPrompt } from "./server-prompt.ts";
import type { KnownTool } from "./tool-definition.ts";
import type { ToolResult } from "./tool-result.ts";

/** A tool with its server. */
export interface ServedTool {
  readonly server: string;
  /** The server's address, for people to read. */
  readonly host: string;
  readonly rules: ToolRules;
  readonly known: KnownTool;
  /** It stands for the tools of a server that the person can't use yet, as before she has signed in, and can't be called. */
  readonly isSignIn?: true;
}

/** The person for whom tools are used; undefined where it is no person who asks: then nobody's rights are used. */
export type Behalf = string | undefined;

/** A server with its prompts. */
export interface ServedPrompts {
  readonly server: string;
  /** The server's address, for people to read. */
  readonly host: string;
  readonly rules: ToolRules;
  readonly prompts: readonly KnownPrompt[];
}

/** The question for which a tool is called. Servers are not told of it. */
export interface CallContext {
  readonly turn: Turn;
  /** Whose rights are used. */
  readonly person: Behalf;
  /** Whether any of the conversation came encrypted. */
  readonly encrypted: boolean;
  readonly steps: readonly TurnStep[];
  /** The call's id, which no other call of the turn has. */
  readonly callId: string;
  /** What the server has asked in this call, with the answers. */
  readonly input?: CallInput | undefined;
}

/** Where tools come from: a server, or the bridge itself. */
export interface ToolSource {
  /** Its name in the configuration. */
  readonly name: string;
  readonly config: ToolServerConfig;
  /** Its tools, as a person has them. Throws ToolFailure, and the signal's reason. */
  served(signal: AbortSignal, person: Behalf): Promise<readonly ServedTool[]>;
  /** Makes ready for a call for a person. Throws ToolFailure, and the signal's reason. */
  reach(signal: AbortSignal, person: Behalf): Promise<void>;
  /** Calls a tool. Throws ToolFailure (WantsInput where it asks the person first), and the signal's reason. */
  call(
    tool: string,
    given: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    context: CallContext,
  ): Promise<ToolResult>;
  /** Its prompts, as a person has them; absent where there are none. Throws ToolFailure, and the signal's reason. */
  prompts?(signal: AbortSignal, person: Behalf): Promise<readonly KnownPrompt[]>;
  /** The words of a prompt, for a person. Throws ToolFailure, and the signal's reason. */
  prompt?(name: string, given: Readonly<Record<string, string>>, signal: AbortSignal, person: Behalf): Promise<string>;
  stop(): Promise<void>;
}
