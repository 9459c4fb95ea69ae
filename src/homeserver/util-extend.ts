import util from "node:util";

// A package that comes with matrix-appservice-bridge calls `util._extend` as it is loaded, and Node then prints a
// deprecation at every start (DEP0060). Node names this function as the replacement. Import this file before that library.
Object.assign(util, { _extend: Object.assign });
