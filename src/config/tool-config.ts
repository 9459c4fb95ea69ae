import { resolve } from "node:path";
import type { Locality, ToolApproval, ToolServerConfig } from "./config.ts";
import { parseDuration } from "./formats.ts";
import { localityOf } from "./locality.ts";
import type { ToolSecrets } from "./tool-secrets.ts";
import { signInOf, type RawToolSignIn } from "./tool-sign-in-config.ts";

/** A server of tools after the schema's check, with defaults. */
export type RawToolServer = (RawRules & (RawStdio | RawHttp)) | RawOwn;

interface RawRules {
  locality?: Locality;
  cloud_models: boolean;
  approval?: ToolApproval;
  tools: Record<string, ToolApproval>;
  approvers: "asker" | "moderators";
  approver_users: string[];
  agents?: string[];
  rooms?: string[];
  users?: string[];
  call_timeout: string;
}

interface RawOwn extends RawRules {
  type: "own";
  time_zone: string;
  read_url: { hosts: string[] };
}

interface RawStdio {
  type: "stdio";
  resources: boolean;
  questions: boolean;
  prompts: boolean;
  idle_after: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  folders: Record<string, "read" | "write">;
  network: boolean;
  sandbox: "bwrap" | "none";
  memory_mib: number;
  max_processes: number;
}

interface RawHttp {
  type: "http";
  resources: boolean;
  questions: boolean;
  prompts: boolean;
  idle_after: string;
  url: string;
  sign_in?: RawToolSignIn;
}

const MIB = 1_048_576;

/**
 * The servers of tools by their checked settings.
 *
 * @param directory the base of relative paths.
 */
export function toolServersOf(
  servers: Readonly<Record<string, RawToolServer>>,
  secrets: ReadonlyMap<string, ToolSecrets>,
  directory: string,
): ReadonlyMap<string, ToolServerConfig> {
  return new Map(
    Object.entries(servers).map(([name, raw]) => [
      name,
      toolServerOf(raw, secrets.get(name) ?? { env: {} }, directory),
    ]),
  );
}

function toolServerOf(raw: RawToolServer, secrets: ToolSecrets, directory: string): ToolServerConfig {
  const rules = {
    cloudModels: raw.cloud_models,
    ...(raw.approval === undefined ? {} : { approval: raw.approval }),
    tools: new Map(Object.entries(raw.tools)),
    approvers: raw.approvers,
    approverUsers: raw.approver_users,
    ...(raw.agents === undefined ? {} : { agents: raw.agents }),
    ...(raw.rooms === undefined ? {} : { rooms: raw.rooms }),
    ...(raw.users === undefined ? {} : { users: raw.users }),
    callTimeoutMs: parseDuration(raw.call_timeout) ?? 0,
  };
  if (raw.type === "own") {
    const { hosts } = raw.read_url;
    return {
      type: "own",
      ...rules,
      timeZone: raw.time_zone,
      hosts,
      locality: raw.locality ?? (hosts.every((host) => localityOf(host) === "local") ? "local" : "cloud"),
    };
  }
  const { resources, questions, prompts } = raw;
  const offers = { resources, questions, prompts, idleAfterMs: parseDuration(raw.idle_after) ?? 0 };
  if (raw.type === "http") {
    const { token, ca } = secrets;
    return {
      type: "http",
      ...rules,
      ...offers,
      url: raw.url,
      locality: raw.locality ?? localityOf(raw.url),
      ...(token === undefined ? {} : { token }),
      ...(raw.sign_in === undefined ? {} : { signIn: signInOf(raw.sign_in, raw.url, secrets.clientSecret) }),
      ...(ca === undefined ? {} : { ca }),
    };
  }
  return {
    type: "stdio",
    ...rules,
    ...offers,
    command: resolve(directory, raw.command),
    args: raw.args,
    env: { ...raw.env, ...secrets.env },
    secrets: Object.keys(secrets.env),
    folders: Object.entries(raw.folders).map(([path, right]) => ({
      path: resolve(directory, path),
      write: right === "write",
    })),
    network: raw.network,
    sandbox: raw.sandbox,
    maxMemoryBytes: raw.memory_mib * MIB,
    maxProcesses: raw.max_processes,
    // Where a program can reach the network, or is not shut in, nobody knows where words go.
    locality: raw.locality ?? (raw.network || raw.sandbox === "none" ? "cloud" : "local"),
  };
}
