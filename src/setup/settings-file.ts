import { pathToFileURL } from "node:url";
import { isMap, parseDocument, type Document } from "yaml";
import { packageFile } from "../observability/package-file.ts";

/** A settings file as text. Reading and changing it keeps comments, order and everything else. */
export class SettingsFile {
  readonly #document: Document.Parsed;
  readonly #text: string;
  #isChanged = false;

  /** @param text YAML that holds a mapping; the caller has checked it. */
  constructor(text: string) {
    this.#text = text;
    this.#document = parseDocument(text);
  }

  /** The value at a path such as `appservice.port`; undefined when there is none. */
  get(path: string): unknown {
    const value: unknown = this.#document.getIn(path.split("."));
    return isMap(value) ? value.toJSON() : value;
  }

  /** Sets the value at a path; returns whether that changed anything. */
  set(path: string, value: unknown): boolean {
    const keys = path.split(".");
    if (JSON.stringify(this.get(path)) === JSON.stringify(value)) return false;
    // A section that holds only comments is null, which can't take a value.
    for (let depth = 1; depth < keys.length; depth++) {
      const section = keys.slice(0, depth);
      if (this.#document.getIn(section) === null) this.#document.setIn(section, this.#document.createNode({}));
    }
    this.#document.setIn(keys, typeof value === "object" ? this.#document.createNode(value) : value);
    this.#isChanged = true;
    return true;
  }

  /** The text to write: byte for byte the same when nothing was changed. */
  toString(): string {
    return this.#isChanged ? this.#document.toString({ lineWidth: 0 }) : this.#text;
  }
}

/** The settings of a new config.yaml. */
export interface FirstSettings {
  readonly homeserver: string;
  /** The file of certificates for the homeserver. */
  readonly caFile: string | undefined;
  readonly domain: string;
  readonly bind: string;
  readonly port: number;
  /** An Ollama whose models become agents; without it, or as long as it has no model, there is the demo agent. */
  readonly ollama: { readonly url: string; readonly hasModel: boolean } | undefined;
}

/** A first config.yaml. */
export function firstConfig({ homeserver, caFile, domain, bind, port, ollama }: FirstSettings): string {
  const providers =
    ollama === undefined
      ? `# The demo says that it is no model. For a real one: matrix-agents init --ollama http://127.0.0.1:11434
providers:
  demo: { type: demo }

agents:
  demo: { provider: demo, display_name: Demo }
`
      : `# Each model that is installed there is an agent; ${packageFile("docs/providers.md")} tells of others.
providers:
  ollama:
    type: ollama
    url: ${JSON.stringify(ollama.url)}
    discover: true
${ollama.hasModel ? "" : "  # It says that it is no model: for as long as the Ollama has none.\n  demo: { type: demo }\n"}
# Agents of your own, with a name, a prompt, a picture: ${packageFile("config.example.yaml")} has some.
agents:${ollama.hasModel ? " {}" : "\n  demo: { provider: demo, display_name: Demo }"}
`;
  return `# yaml-language-server: $schema=${pathToFileURL(packageFile("config.schema.yaml")).href}
#
# Made by matrix-agents init. Every setting is described in ${packageFile("docs/configuration-reference.md")}
# and shown in ${packageFile("config.example.yaml")}.

homeserver:
  url: ${JSON.stringify(homeserver)}
${caFile === undefined ? "" : `  ca_file: ${JSON.stringify(caFile)}\n`}  domain: ${JSON.stringify(domain)}

appservice:
  registration: ./registration.yaml
  # Where the homeserver reaches the bridge; the registration's url leads here.
  bind: ${JSON.stringify(bind)}
  port: ${port}

# The embedded database and the master key live here. For more than a few people use PostgreSQL (database.url_file).
data_dir: ./data

${providers}`;
}
