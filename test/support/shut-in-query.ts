// Run in a separate process: shuts itself in except for the given database, and prints the user as which the database
// knows it.
import { parseArgs } from "node:util";
import { endpointsOf } from "../../src/egress/endpoints.ts";
import { guardEgress } from "../../src/egress/guard.ts";

const [url = ""] = parseArgs({ allowPositionals: true }).positionals;
const refused: string[] = [];
const homeserver = { url: "http://127.0.0.1:1", domain: "example.test" };
guardEgress().allow(endpointsOf({ homeserver, database: { url }, providers: new Map(), tools: new Map() }), (what) =>
  refused.push(what),
);
const { default: pg } = await import("pg");
const client = new pg.Client({ connectionString: url });
await client.connect();
const { rows } = await client.query("select current_user::text as name, inet_server_addr() is null as over_socket");
await client.end();
process.stdout.write(JSON.stringify({ ...rows[0], refused }));
