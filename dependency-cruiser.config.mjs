import { readFileSync } from "node:fs";

/** The folders of src, each of which imports only from those behind it. Files at the top of src are `main`. */
const layers = JSON.parse(readFileSync(new URL("layers.json", import.meta.url), "utf8"));

/** The files of a layer: a folder without the layers in it. */
function filesOf(layer) {
  if (layer === "main") return "^src/[^/]+$";
  const inner = layers.filter((other) => other.startsWith(`${layer}/`)).map((other) => other.slice(layer.length + 1));
  return `^src/${layer}/${inner.length === 0 ? "" : `(?!(${inner.join("|")})/)`}`;
}

const APPSERVICE_LIBRARIES = "node_modules/(matrix-appservice|matrix-appservice-bridge|matrix-bot-sdk)/";

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
      to: { path: "^(test|quickstart|build|docs)/" },
    },
    {
      name: "appservice-libraries-are-contained",
      comment:
        "Three files alone import these libraries: docs/decisions/0021-the-appservice-libraries-are-contained.md.",
      severity: "error",
      from: { pathNot: "^src/homeserver/(app-service|appservice-bridge|bridge-log)\\.ts$" },
      to: { path: `^${APPSERVICE_LIBRARIES}` },
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
    includeOnly: `^((src|quickstart|build|test|docs)/|${APPSERVICE_LIBRARIES})`,
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
