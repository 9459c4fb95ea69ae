import { fileURLToPath } from "node:url";

/** A page of the manual, by its path in the package. */
type Page = `docs/${string}.md`;

/** The absolute path of a file that comes with this program, wherever that is installed: a page of its manual, or its schema. */
export function packageFile(name: Page | "config.schema.yaml" | "config.example.yaml"): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
