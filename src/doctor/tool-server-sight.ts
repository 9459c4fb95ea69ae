import { existsSync } from "node:fs";
import type { McpServerConfig, ToolRules } from "../config/config.ts";
import { silentLogger } from "../observability/log.ts";
import { currentUser, type SystemUser } from "../observability/user-name.ts";
import { BUBBLEWRAP } from "../tools/sandbox.ts";
import { hasSignIn, type SignInServer } from "../tools/sign-in/authorization-server.ts";
import { clientOf } from "../tools/sign-in/tool-clients.ts";
import { withAuthorization } from "../tools/sign-in/authorization.ts";
import { SignInFailure } from "../tools/sign-in/sign-in-failure.ts";
import type { FaultyTool, KnownTool } from "../tools/tool-definition.ts";
import { ToolFailure } from "../tools/tool-failure.ts";
import { decideCall, type ToolDecision } from "../tools/tool-policy.ts";
import { ToolServer } from "../tools/tool-server.ts";

/** The time for a server to start and to tell its tools, in ms. */
const LIST_MS = 30_000;

/** The findings about a tool server, after the time in ms. */
export type ToolServerSight =
  | {
      readonly kind: "answered";
      readonly tools: readonly KnownTool[];
      /** Those that can't be offered. */
      readonly faulty: readonly FaultyTool[];
      /** The names of its prompts, whether people may use them or not. */
      readonly prompts: readonly string[];
      /** Whether its tools may ask people something. */
      readonly mayAsk: boolean;
      readonly ms: number;
    }
  /** People sign in to it, at this address; only they are told its tools. */
  | { readonly kind: "personal"; readonly issuer: string; readonly ms: number }
  | { readonly kind: "failed"; readonly reason: string; readonly mend: string; readonly ms: number }
  /** It can't be tried here, which is no fault. */
  | { readonly kind: "untried"; readonly reason: string };

/**
 * Starts or reaches a tool server, asks for its list of tools and ends the connection. Rejects only for a fault of ours.
 *
 * @param user the user that runs the bridge; undefined on systems without users.
 */
export async function lookAtToolServer(
  name: string,
  config: McpServerConfig,
  user: SystemUser | undefined,
): Promise<ToolServerSight> {
  if (hasSignIn(config)) return lookAtSignIn(name, config);
  if (config.type === "stdio") {
    // A program gets the rights of whoever starts it.
    if (user?.uid !== currentUser()?.uid)
      return { kind: "untried", reason: `only ${user?.name ?? "the bridge's user"} can try this program` };
    if (config.sandbox === "bwrap" && !existsSync(BUBBLEWRAP)) {
      const mend = "install it: apt install bubblewrap";
      return { kind: "failed", reason: `its sandbox needs ${BUBBLEWRAP}`, mend, ms: 0 };
    }
  }
  const server = new ToolServer(name, { ...config, prompts: true }, silentLogger());
  const signal = AbortSignal.timeout(LIST_MS);
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  try {
    const { tools, faulty } = await server.tools(signal);
    const answeredIn = ms();
    const prompts = (await server.prompts(signal)).map((prompt) => prompt.name);
    return { kind: "answered", tools, faulty, prompts, mayAsk: await server.mayAsk(signal), ms: answeredIn };
  } catch (error) {
    if (!(error instanceof ToolFailure) && !signal.aborted) throw error;
    const reason = error instanceof ToolFailure ? error.message : `it tells no tools within ${LIST_MS / 1_000} s`;
    const mend =
      config.type === "stdio"
        ? `correct the command, args and folders of tools.${name}; it tells more when you start it by hand`
        : `start it, or correct the url and token of tools.${name}`;
    return { kind: "failed", reason, mend, ms: ms() };
  } finally {
    await server.stop();
  }
}

/** Reads what a server to which people sign in, and its authorisation server, say of themselves. */
async function lookAtSignIn(name: string, config: SignInServer): Promise<ToolServerSight> {
  const began = performance.now();
  const ms = (): number => Math.round(performance.now() - began);
  try {
    const { isKnown, registrationEndpoint, takesDocuments } = await withAuthorization(config, async (authorization) => {
      const found = await authorization.discover();
      const client = clientOf(config, undefined);
      return { ...found, isKnown: client && (await authorization.knows(found, client)) };
    });
    if (isKnown === false) {
      const mend = `correct client_id and its secret in tools.${name}.sign_in; those who have signed in stay so`;
      return { kind: "failed", reason: "the authorisation server does not know the bridge", mend, ms: ms() };
    }
    if (config.signIn.clientId !== undefined || registrationEndpoint !== undefined || takesDocuments)
      return { kind: "personal", issuer: config.signIn.issuer, ms: ms() };
    const mend = `register the bridge there, and name it in tools.${name}.sign_in.client_id`;
    return { kind: "failed", reason: "the authorisation server registers nobody by itself", mend, ms: ms() };
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    const mend = `start it, or correct the url and sign_in of tools.${name}`;
    return { kind: "failed", reason: error.message, mend, ms: ms() };
  }
}

/** The decision about a tool by the admin's rules alone, for those whom they name, in a room that has decided nothing. */
export function decideByRules(
  rules: ToolRules,
  { name: tool, hints }: Pick<KnownTool, "name" | "hints">,
): ToolDecision {
  const everywhere = { ...rules, agents: ["*"], rooms: ["*"], users: ["*"] };
  const somebody = { agent: "", roomId: "", userId: "", isFromAgent: false, grant: undefined, isTainted: false };
  return decideCall(everywhere, { tool, hints, ...somebody, model: "local", gate: "yes" });
}
