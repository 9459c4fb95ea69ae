import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The absolute path of a file of this checkout. */
export function inCheckout(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** The Python environment with Synapse, shared with the quickstart. */
export const SYNAPSE_VENV = inCheckout(".local/venv");

/** The Python environment with matrix-nio, which wants other versions of what Synapse uses. */
export const NIO_VENV = inCheckout(".cache/nio-venv");
export const NIO_PACKAGES = ["matrix-nio[e2e]==0.26.0"];
