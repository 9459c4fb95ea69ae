import { readFileSync } from "node:fs";

/** The folders of src, each of which imports only from those behind it. Files at the top of src are `main`. */
const layers = JSON.parse(readFileSync(new URL("layers.json", import.meta.url), "utf8"));

/** The files of a layer: a folder without the layers in it. */
function filesOf(layer) {
  if (layer === "main") return "^src/[^/]+$";
  const inner = layers.filter((other) => other.startsWith(`${layer}/`)).map((other) => other.slice(layer.length + 1));
  return `^src/${layer}/${inner.length === 0 ? "" : `(?!(${inner.join("|")})/)`}`;
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "in-a-layer", severity: "error", from: { path: "^src/", pathNot: layers.map(filesOf) }, to: {} },
    {
      name: "src-stands-alone",
      comment: "The package is made of src alone.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|quickstart|docs)/" },
    },
    ...layers.slice(1).map((layer, index) => ({
      name: `${layer}-imports-downwards`,
      severity: "error",
      from: { path: filesOf(layer) },
      to: { path: layers.slice(0, index + 1).map(filesOf) },
    })),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    includeOnly: "^(src|quickstart|test|docs)/",
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
