import { plainText, textLines, type Line, type Span } from "./terminal.ts";
import type { Entry, Said, Told } from "./transcript.ts";

/** The mark before the person's own words. */
export const PROMPT = "you> ";

const MORE: Span = { text: " …", style: "dim" };

/** How an entry stands on a terminal. */
export function terminalLines(entry: Entry, partnerName: string): Line[] {
  switch (entry.kind) {
    case "said":
      return textLines(`${PROMPT}${entry.text}`);
    case "message": {
      const [first = [], ...others] = toldLines(entry);
      const name: Span = { text: plainText(partnerName), style: "green" };
      return [[name, { text: entry.isEdited ? " (edited): " : ": " }, ...first], ...others];
    }
    case "remark":
    case "reaction":
    case "taken_back":
      return textLines(ownWords(entry, partnerName), "dim");
  }
}

/** How a message of the partner's stands on a terminal, without the name. */
export function toldLines({ message, state }: Told): Line[] {
  const lines = textLines(message.text);
  if (state === "whole") return lines;
  const last = lines.pop() ?? [];
  return [...lines, [...last, MORE]];
}

/** The sign that the partner writes, while none of the answer has come. */
export function typingLine(partnerName: string): Line {
  return [{ text: plainText(`${partnerName} is typing …`), style: "dim" }];
}

/** How an entry stands in a pipe; empty where it does not. */
export function pipeText(entry: Entry, partnerName: string): string {
  switch (entry.kind) {
    case "said":
      return "";
    case "message": {
      if (entry.state !== "whole") return "";
      const { isEdited, message } = entry;
      return `${plainText(partnerName)}${isEdited ? " (edited)" : ""}: ${plainText(message.text).trimEnd()}\n`;
    }
    case "remark":
    case "reaction":
    case "taken_back":
      return `${plainText(ownWords(entry, partnerName))}\n`;
  }
}

function ownWords(entry: Exclude<Entry, Told | Said>, partnerName: string): string {
  switch (entry.kind) {
    case "remark":
      return entry.text;
    case "reaction":
      return `${partnerName} reacted with ${entry.key}`;
    case "taken_back":
      return `${partnerName} took a message back`;
  }
}
