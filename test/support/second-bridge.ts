import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dump, load } from "js-yaml";
import { freePort } from "./free-port.ts";
import { temporaryDirectory } from "./temporary.ts";

/** The configuration of a further process beside a bridge: a port of its own, everything else the first one's. */
export interface SecondBridge {
  /** Path of its config.yaml. */
  readonly config: string;
  readonly port: number;
}

/** @param first path of the first bridge's config.yaml. */
export async function writeSecondConfig(first: string): Promise<SecondBridge> {
  const settings = load(await readFile(first, "utf8")) as Record<string, object>;
  const port = await freePort();
  const config = join(await temporaryDirectory("second"), "config.yaml");
  const registration = join(dirname(first), "registration.yaml");
  const content = {
    ...settings,
    appservice: { ...settings["appservice"], port, registration },
    encryption: { ...settings["encryption"], master_key_file: join(dirname(first), "data", "master.key") },
  };
  await writeFile(config, dump(content), { mode: 0o600 });
  return { config, port };
}
