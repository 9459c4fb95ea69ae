import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import { ensurePrograms } from "./debian.ts";
import { eventually } from "./eventually.ts";
import { inCheckout } from "./paths.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A web server with TLS before the page, set up as docs/web.md says. */
export interface DocumentedProxy {
  stop(): Promise<void>;
}

export interface ProxyPlace {
  /** The port of localhost to listen on. */
  readonly port: number;
  /** The port of 127.0.0.1 of the page. */
  readonly target: number;
}

/** Starts nginx, installed where it is missing, with the lines of docs/web.md. Throws where it can't be had. */
export async function startNginx(place: ProxyPlace): Promise<DocumentedProxy> {
  const lines = await documented(/```nginx\n(location .*?)```/s, place);
  const folder = await withCertificate();
  const file = join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ")}
  server {
    listen 127.0.0.1:${place.port} ssl;
    server_name localhost;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    ${lines}
  }
}
`,
  );
  return startProgram("nginx", ["nginx-light"], ["-c", file], folder, place.port);
}

/** Starts Caddy, installed where it is missing, with the lines of docs/web.md. Throws where it can't be had. */
export async function startCaddy(place: ProxyPlace): Promise<DocumentedProxy> {
  const lines = await documented(/```\n(example\.org \{.*?)```/s, place);
  const folder = await withCertificate();
  const file = join(folder, "Caddyfile");
  const site = lines.replace(
    "example.org {",
    `https://localhost:${place.port} {\n\tbind 127.0.0.1\n\ttls ${folder}/cert.pem ${folder}/key.pem`,
  );
  await writeFile(file, `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
  return startProgram("caddy", ["caddy"], ["run", "--adapter", "caddyfile", "--config", file], folder, place.port);
}

/** The lines of docs/web.md with the page's port. */
async function documented(block: RegExp, { target }: ProxyPlace): Promise<string> {
  const [, lines] = block.exec(await readFile(inCheckout("docs/web.md"), "utf8")) ?? [];
  if (lines?.includes("127.0.0.1:9595") !== true) throw new Error(`docs/web.md has no ${block.source}`);
  return lines.replaceAll("127.0.0.1:9595", `127.0.0.1:${target}`);
}

async function withCertificate(): Promise<string> {
  const folder = await temporaryDirectory("proxy");
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
  await writeFile(join(folder, "cert.pem"), cert);
  await writeFile(join(folder, "key.pem"), key);
  return folder;
}

async function startProgram(
  command: string,
  packages: readonly string[],
  args: readonly string[],
  home: string,
  port: number,
): Promise<DocumentedProxy> {
  const missing = ensurePrograms({ commands: [command], packages });
  if (missing !== undefined) throw new Error(missing);
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "exit");
  await eventually(`${command} to listen`, async () => {
    if (child.exitCode !== null) throw new Error(`${command} ended: ${said}`);
    // It speaks TLS there, so a plain request is an error of any kind but a refusal.
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      (error: unknown) => !JSON.stringify((error as Error).cause).includes("ECONNREFUSED"),
    );
  });
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
