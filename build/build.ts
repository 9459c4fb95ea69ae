// Makes dist, which with migrations and config.schema.yaml is all that runs: npm run build [-- FOLDER]
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";
import { licenceTexts } from "./licences.ts";

const [, , folder] = process.argv;
const dist = folder === undefined ? fileURLToPath(new URL("../dist/", import.meta.url)) : resolve(folder);
await rm(dist, { recursive: true, force: true });
const packages = await bundle(dist);
await writeFile(join(dist, "LICENCES.txt"), await licenceTexts(packages));
