import { TextDecoder } from "node:util";
import { Parser } from "htmlparser2";

/** The events of an XML file that is read in pieces. Names have no prefix, because each writer may choose its own. */
export interface XmlHandler {
  open?(name: string, attributes: Attributes): void;
  text?(text: string): void;
  close?(name: string): void;
  /** Whether the rest of the file can be skipped. */
  isDone?(): boolean;
}

/**
 * By name, without prefixes, with one exception: an `id` that refers to another part is always `r:id`, because an `id`
 * of another meaning may stand beside it.
 */
export type Attributes = Readonly<Record<string, string>>;

/** The deepest nesting of elements; no document needs more, and the parser's time grows with its square. */
const MOST_DEPTH = 1_000;

/** The namespace of the `id` that refers to another part, in both dialects of Office files (ECMA-376, part 1, 22.8). */
const RELATIONSHIPS =
  /^http:\/\/(?:schemas\.openxmlformats\.org\/officeDocument\/2006|purl\.oclc\.org\/ooxml\/officeDocument)\/relationships$/;

/** Elements are nested deeper than in any document. */
class NestedTooDeep extends Error {
  override readonly name = "NestedTooDeep";
}

/**
 * Reads XML of any length in pieces. The parser can neither resolve entities that a document declares nor fetch
 * anything. Throws {@link NestedTooDeep}, or the errors of the pieces and the handler.
 */
export async function readXml(pieces: AsyncIterable<Uint8Array>, handler: XmlHandler): Promise<void> {
  let depth = 0;
  const ofRelationships = new Set(["r:id"]);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        if (++depth > MOST_DEPTH) throw new NestedTooDeep("elements are nested too deep");
        for (const [attribute, value] of Object.entries(attributes)) {
          if (attribute.startsWith("xmlns:") && RELATIONSHIPS.test(value))
            ofRelationships.add(`${localName(attribute)}:id`);
        }
        handler.open?.(localName(name), localNames(attributes, ofRelationships));
      },
      ontext: (text) => handler.text?.(text),
      onclosetag: (name) => {
        depth--;
        handler.close?.(localName(name));
      },
    },
    { xmlMode: true },
  );
  let decoder: TextDecoder | undefined;
  for await (const piece of pieces) {
    decoder ??= decoderOf(piece);
    parser.write(decoder.decode(piece, { stream: true }));
    if (handler.isDone?.() === true) return;
  }
  parser.end();
}

/** XML is UTF-8, or begins with a byte order mark (XML 1.0, appendix F). */
function decoderOf([first, second]: Uint8Array): TextDecoder {
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le");
  return new TextDecoder(first === 0xfe && second === 0xff ? "utf-16be" : "utf-8");
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function localNames(attributes: Attributes, ofRelationships: ReadonlySet<string>): Attributes {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (ofRelationships.has(name)) named["r:id"] = value;
    else named[localName(name)] ??= value;
  }
  return named;
}
