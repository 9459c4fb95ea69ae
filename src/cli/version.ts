import { packageVersion } from "../observability/version.ts";

/** Prints the version of the package. */
export async function version(): Promise<number> {
  process.stdout.write(`${await packageVersion()}\n`);
  return 0;
}
