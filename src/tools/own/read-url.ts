import { Semaphore } from "../../concurrency/semaphore.ts";
import { textOfDocument, UnreadableDocument } from "../../documents/document.ts";
import { closedFormat, documentFormat } from "../../documents/formats.ts";
import { decodedText } from "../../documents/text-encoding.ts";
import { ProcessNotStarted } from "../../documents/bounded-process.ts";
import type { ToolResult } from "../tool-result.ts";
import { notDone, said, type OwnTool } from "./own-tool.ts";
import { fetchPage, type Fetched, type Readable, type Unread } from "./web-fetch.ts";

/** The pages that are turned into text at once: each takes a process. */
const READERS = new Semaphore(2);

/** Reads pages of the hosts that the admin names. */
export function readUrl(readable: Readable): OwnTool {
  const { hosts } = readable;
  return {
    definition: {
      name: "read_url",
      description: `Reads a web page, text or PDF of these hosts, and of no others: ${hosts.join(", ")}.`,
      inputSchema: {
        type: "object",
        properties: { url: { type: "string", description: "Its whole address, such as https://example.org/page." } },
        required: ["url"],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    run: async ({ given, signal }) => {
      const { url } = given;
      const fetched: Fetched =
        typeof url === "string" ? await fetchPage(url, readable, signal) : { kind: "refused", why: "no_url" };
      return fetched.kind === "refused" ? notDone(inWords(fetched.why, hosts)) : textOf(fetched, signal);
    },
  };
}

async function textOf(
  { url, type, bytes }: Extract<Fetched, { kind: "page" }>,
  signal: AbortSignal,
): Promise<ToolResult> {
  const unreadable = notDone("it is no page, text or PDF that can be read.");
  if (closedFormat(bytes) !== undefined) return unreadable;
  const format = documentFormat(bytes, { name: url.pathname.split("/").at(-1) ?? "", mimetype: type });
  if (format === undefined) {
    const text = decodedText(bytes);
    return text === undefined ? unreadable : said(text);
  }
  try {
    const { text } = await READERS.run(() => textOfDocument(bytes, format, { signal }));
    return text === "" ? unreadable : said(text);
  } catch (error) {
    if (error instanceof UnreadableDocument) return unreadable;
    if (error instanceof ProcessNotStarted) return notDone("it can't be read now.");
    throw error;
  }
}

function inWords(why: Unread, hosts: readonly string[]): string {
  if (typeof why === "object") return `the host answered with the status ${why.status}.`;
  switch (why) {
    case "no_url":
      return "the address must begin with https:// or http://, and hold no user and password.";
    case "not_named":
      return `only pages of these hosts can be read: ${hosts.join(", ")}.`;
    case "leads_elsewhere":
      return "the page leads to another host, which can't be read.";
    case "private_address":
      return "the host's address is not a public one.";
    case "unreachable":
      return "the host can't be reached.";
    case "too_large":
      return "the page is too large.";
  }
}
