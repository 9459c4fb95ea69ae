import { fileURLToPath } from "node:url";
import { OLDEST_SYNAPSE } from "../../src/homeserver/survey.ts";

const ROOT = new URL("../../", import.meta.url);

/** The absolute path of a file of this checkout. */
export function inCheckout(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** Another version than the pinned one, to try the oldest that we support: `TEST_SYNAPSE_VERSION=1.141.0 npm run test:e2e`. */
export const OTHER_SYNAPSE_VERSION = process.env["TEST_SYNAPSE_VERSION"];

/** The Python environment with Synapse; the pinned version's is shared with the quickstart. */
export const SYNAPSE_VENV = inCheckout(
  OTHER_SYNAPSE_VERSION === undefined ? ".local/venv" : `.cache/synapse-${OTHER_SYNAPSE_VERSION}`,
);

/** The Python environment with the oldest Synapse that we support. */
export const OLDEST_SYNAPSE_VENV = inCheckout(`.cache/synapse-${OLDEST_SYNAPSE}`);

/** The Python environment with Synapse and its driver for PostgreSQL; for test/image and test/bench. */
export const SYNAPSE_POSTGRES_VENV = inCheckout(".cache/synapse-postgres-venv");
export const SYNAPSE_POSTGRES_PACKAGES = { locked: inCheckout("test/image/synapse.txt") };

/** The Python environment with matrix-nio, which needs other versions of Synapse's libraries. */
export const NIO_VENV = inCheckout(".cache/nio-venv");
export const NIO_PACKAGES = { locked: inCheckout("test/support/nio.txt") };

/** The Python environment with llama.cpp's server and a tiny model; shared with the quickstart. */
export const MODEL_VENV = inCheckout(".local/model-venv");
