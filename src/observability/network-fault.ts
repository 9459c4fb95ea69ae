/** The most causes that are followed, because causes may form a circle. */
const MAX_CAUSES = 8;

/** The words for the codes of Node, undici, OpenSSL and the HTTP parser. The first that fits counts. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, "nothing listens there"],
  [/^ENOTFOUND$/, "there is no host of that name"],
  [/^EAI_/, "the name of the host can't be looked up now"],
  [/TIMEOUT|^ETIMEDOUT$/, "no answer comes in time"],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, "there is no way to it from here"],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|ECONNABORTED)$/, "it hangs up"],
  [/^HPE_/, "it speaks no HTTP"],
  [/ALTNAME/, "its certificate is for another name"],
  [/EXPIRED/, "its certificate has expired, or this machine's clock is wrong"],
  [/NOT_YET_VALID/, "its certificate is not valid yet, so this machine's clock may be wrong"],
  [/SELF_SIGNED|UNABLE_TO_|CERT_/, "its certificate is not trusted"],
  [/^EPROTO$|SSL_(WRONG_VERSION|PACKET_LENGTH)/, "it speaks no TLS"],
  [/SSL_/, "it refuses the TLS connection"],
];

/** The codes of an error and of its causes, outermost first. */
export function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  let cause: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth++, cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") codes.push(cause.code);
    else if (cause.name === "HTTPParserError") codes.push("HPE_INVALID");
    if (cause.name === "TimeoutError") codes.push("TIMEOUT");
    // A host with several addresses gives one error for each.
    if (cause instanceof AggregateError) codes.push(...cause.errors.flatMap(codesOf));
  }
  return codes;
}

/** Why a connection failed, in words, with the system's code; undefined for an error of another kind. */
export function reasonOfNetworkError(error: unknown): string | undefined {
  for (const code of codesOf(error)) {
    const reason = reasonOfNetworkCode(code);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The same for a code. */
export function reasonOfNetworkCode(code: string): string | undefined {
  const reason = REASONS.find(([pattern]) => pattern.test(code))?.[1];
  return reason === undefined ? undefined : `${reason} (${code})`;
}

/** The codes of errors before anything was sent. Others may come in the middle, too. */
const BEFORE_SENDING = /^(ECONNREFUSED|ENOTFOUND|EAI_.*|UND_ERR_CONNECT_TIMEOUT)$/;

/** Whether an error came before a connection was there, so that nothing was sent. */
export function wasNeverSent(error: unknown): boolean {
  return codesOf(error).some((code) => BEFORE_SENDING.test(code));
}
