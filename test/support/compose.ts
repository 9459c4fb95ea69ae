import { readFile } from "node:fs/promises";
import { CORE_SCHEMA, load, mergeTag } from "js-yaml";
import { inCheckout } from "./paths.ts";

/** The parts of a service of docker/compose.yaml that tests read. */
export interface Service {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly networks: readonly string[];
  readonly network_mode?: string;
  readonly pid?: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  /** `source:target` or `source:target:ro`. */
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly profiles?: readonly string[];
}

/** docker/compose.yaml. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** Reads docker/compose.yaml as a container engine would, with the services' shared parts. */
export async function readCompose(): Promise<Compose> {
  const text = await readFile(inCheckout("docker/compose.yaml"), "utf8");
  return load(text, { schema: CORE_SCHEMA.withTags(mergeTag) }) as Compose;
}
