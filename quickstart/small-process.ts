/**
 * The options of Node for the bridge: the part of V8's heap for new objects grows to 16 MiB in place of 128, and one thread compiles
 * and collects beside the main one in place of four, each of which keeps its own memory
 * ([decision](../docs/decisions/0028-an-idle-bridge-is-small.md)). The shebang of src/main.js, the image and the unit of systemd have the same.
 */
export const NODE_OPTIONS_OF_BRIDGE = ["--max-semi-space-size=8", "--v8-pool-size=1"];

/** The variables for it: glibc gives freed memory back to the system from this many bytes on. */
export const ENVIRONMENT_OF_BRIDGE = { MALLOC_TRIM_THRESHOLD_: "131072" };
