// Writes the pages that are made of their sources: npm run docs
import { writeFile } from "node:fs/promises";
import { GENERATED } from "./generate/pages.ts";

for (const { file, make } of GENERATED) await writeFile(file, await make());
