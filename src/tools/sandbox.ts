import type { LaunchedProgram } from "../egress/guard.ts";
import { dirname } from "node:path";
import type { McpServerConfig, StdioToolServer, ToolServerConfig } from "../config/config.ts";

/** A program as it is started: the file, its arguments, and its whole environment. */
export type Launch = LaunchedProgram;

/** The starts of all tool servers that are programs. */
export function launchesOf(servers: ReadonlyMap<string, ToolServerConfig>): readonly Launch[] {
  return [...servers.values()].flatMap((server) => (server.type === "stdio" ? [launchOf(server)] : []));
}

/** The place of bubblewrap, where it is installed. */
export const BUBBLEWRAP = "/usr/bin/bwrap";

/** The parts of the system that programs need, read-only; those that exist. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];
const SYSTEM_FILES = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/localtime",
  "/etc/nsswitch.conf",
];
/** Those for programs with a network. */
const NETWORK_FILES = ["/etc/hosts", "/etc/resolv.conf", "/etc/ssl", "/etc/ca-certificates", "/etc/pki"];

/** The home of a program that has no other. */
const SCRATCH = "/tmp";

/**
 * The start of a tool server. In the sandbox it sees the system's programs, its own folder, the folders that are named,
 * and a `/tmp` of its own; no network unless it has one, no other process, and no environment but the given one.
 */
export function launchOf(server: StdioToolServer): Launch {
  const { command, args, env, sandbox } = server;
  const whole = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: SCRATCH, ...env };
  if (sandbox === "none") return { file: command, args, env: whole };
  return { file: BUBBLEWRAP, args: [...bubblewrap(server), "--", command, ...args], env: whole };
}

/** Whether a server can reach nothing but the folders that are named. */
export function isConfined(server: McpServerConfig): boolean {
  return server.type === "stdio" && server.sandbox === "bwrap" && !server.network;
}

function bubblewrap({ command, folders, network }: StdioToolServer): string[] {
  const own = dirname(command);
  const isOfSystem = SYSTEM.some((folder) => own === folder || own.startsWith(`${folder}/`));
  return [
    "--unshare-all",
    ...(network ? ["--share-net"] : []),
    // It ends with the bridge, and can't type into its terminal.
    "--die-with-parent",
    "--new-session",
    ...["--proc", "/proc", "--dev", "/dev", "--tmpfs", SCRATCH],
    ...[...SYSTEM, ...SYSTEM_FILES, ...(network ? NETWORK_FILES : [])].flatMap((path) => ["--ro-bind-try", path, path]),
    ...(isOfSystem ? [] : ["--ro-bind", own, own]),
    // A folder in another one comes after it.
    ...folders
      .toSorted((a, b) => a.path.length - b.path.length)
      .flatMap(({ path, write }) => [write ? "--bind" : "--ro-bind", path, path]),
    ...["--chdir", folders[0]?.path ?? SCRATCH],
  ];
}
