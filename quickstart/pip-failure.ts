/** The reasons for which pip fails, by its words, each with the remedy. The first that fits counts. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /ProxyError|Tunnel connection failed/,
    "the proxy refuses the connection to the package index: correct HTTPS_PROXY, and try again",
  ],
  [
    /CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError/,
    "the certificate of the package index is not trusted: where a proxy opens connections, name its certificate by PIP_CERT, and try again",
  ],
  [
    /NameResolutionError|Temporary failure in name resolution|Name or service not known|NewConnectionError|Failed to establish a new connection|Network is unreachable|No route to host|Connection refused|ConnectTimeoutError|ReadTimeoutError|timed out|RemoteDisconnected|Connection aborted|from versions: none/,
    "the package index can't be reached: it is needed the first time; connect this machine, or name a proxy by HTTPS_PROXY or a mirror by PIP_INDEX_URL, and try again",
  ],
  [
    /DO NOT MATCH THE HASHES/,
    "the package index gave another file than the one that was tested: nothing of it was installed; if PIP_INDEX_URL names a mirror, correct or unset it",
  ],
  [/No space left on device|Disk quota exceeded/, "the disk is full: make room, and try again"],
  [/Permission denied/, "this user may not write there: correct the owner of the folder, and try again"],
  [
    /No matching distribution found|Requires-Python|is not a supported wheel/,
    "there is no package for this Python on this machine: take a usual Python, 3.10 or later, on Linux or macOS",
  ],
];

/** The last lines of a failure that none of the reasons explains. */
const LAST_LINES = 15;

/** Why pip could not install something, and the remedy; in its own words where we know no better ones. */
export function explainPip(output: readonly string[]): string {
  const text = output.join("\n");
  const reason = REASONS.find(([words]) => words.test(text))?.[1];
  return reason ?? `pip says:\n${output.slice(-LAST_LINES).join("\n")}`;
}
