/** The answer of an authorisation server, as the address to which it leads the browser has it (RFC 6749, section 4.1.2). */
export type ReturnedAnswer = { readonly state: string; readonly iss?: string } & (
  | { readonly kind: "code"; readonly code: string }
  /** The person, or the server, has said no. Its words for that are not looked at: anybody can write them into an address. */
  | { readonly kind: "error" }
);

/** The longest address that is looked at, in characters. */
const LONGEST = 8_192;

/** Reads an address, or the part of it behind the `?`, as somebody copies it from a browser. Undefined where it is no answer. */
export function answerInAddress(text: string): ReturnedAnswer | undefined {
  if (text.length > LONGEST) return undefined;
  const at = text.indexOf("?");
  return answerInQuery(new URLSearchParams(text.slice(at + 1).replace(/#.*$/s, "")));
}

/** Reads the query of such an address. What comes twice counts as missing. */
export function answerInQuery(query: URLSearchParams): ReturnedAnswer | undefined {
  const one = (name: string): string | undefined => {
    const all = query.getAll(name);
    return all.length === 1 && all[0] !== "" ? all[0] : undefined;
  };
  const [state, code, iss] = [one("state"), one("code"), one("iss")];
  if (state === undefined || (code === undefined) === !query.has("error")) return undefined;
  const named = { state, ...(iss === undefined ? {} : { iss }) };
  return code === undefined ? { kind: "error", ...named } : { kind: "code", code, ...named };
}
