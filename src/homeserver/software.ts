import type { CallOptions, HomeserverClient } from "./client.ts";
import { isHomeserverError } from "./errors.ts";

/** A homeserver's implementation and its version. */
export interface Software {
  readonly name: string;
  readonly version: string;
}

/** The longest name and version that are told, in characters. */
const LONGEST = 100;

/**
 * The implementation that an answer names in its field `server`: that of `/_matrix/federation/v1/version`, or that of
 * `/_matrix/client/versions` (MSC4383).
 */
export function softwareIn(answer: unknown): Software | undefined {
  const { server } = isRecord(answer) ? answer : {};
  const { name, version } = isRecord(server) ? server : {};
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  return { name: name.slice(0, LONGEST), version: version.slice(0, LONGEST) };
}

/** The homeserver's implementation; undefined where it tells neither on its federation API nor on its client API. */
export async function softwareOf(client: HomeserverClient, options?: CallOptions): Promise<Software | undefined> {
  for (const path of ["/_matrix/federation/v1/version", "/_matrix/client/versions"]) {
    try {
      const software = softwareIn(await client.request({ ...options, method: "GET", path }));
      if (software !== undefined) return software;
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
    }
  }
  return undefined;
}

/**
 * Whether a homeserver sends deletions (`m.room.redaction`) to application services. Dendrite 0.13 never does, though it
 * sends everything else of their rooms.
 */
export function sendsDeletions(software: Software | undefined): boolean {
  return software?.name !== "Dendrite";
}

/** A homeserver in words. */
export function nameOf(software: Software | undefined): string {
  return software === undefined ? "the homeserver" : `${software.name} ${software.version}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
