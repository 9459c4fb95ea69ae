import type { Hit, RoomSearch } from "../../memory/room-search.ts";
import { notDone, said, type OwnTool } from "./own-tool.ts";

/** The most words of a search, and the longest, in characters. */
const MOST_WORDS = 8;
const LONGEST_WORD = 100;

/** The part of a text that is shown around the first word found in it, in characters. */
const EXCERPT = 600;

/** Searches what the agent remembers of the room in which it was asked. */
export function searchRoom(search: Pick<RoomSearch, "find">): OwnTool {
  return {
    definition: {
      name: "search_room",
      description:
        "Searches the earlier messages and files of this room, the newest first. All words must be in a message; parts of words count. Search again with other words where nothing is found.",
      inputSchema: {
        type: "object",
        properties: { words: { type: "string", description: "A few words, separated by spaces." } },
        required: ["words"],
        additionalProperties: false,
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    run: async ({ given, turn, encrypted, signal }) => {
      const words = wordsIn(given["words"]);
      if (words.length === 0) return notDone("there is no word to search for.");
      const { ghost, roomId, position: before } = turn;
      const { hits, isPartial } = await search.find({ ghost, roomId, words, before, encrypted }, signal);
      const more = isPartial ? "\n\nThere may be older ones: search with more words." : "";
      if (hits.length === 0) return said(`Nothing was found.${more}`);
      return said(hits.map((hit) => shown(hit, words)).join("\n\n") + more);
    },
  };
}

function wordsIn(text: unknown): readonly string[] {
  if (typeof text !== "string") return [];
  const cut = text.slice(0, MOST_WORDS * (LONGEST_WORD + 1));
  const words =
    cut
      .normalize("NFC")
      .toLowerCase()
      .match(/[^\s"'`]+/g) ?? [];
  return [...new Set(words.map((word) => word.slice(0, LONGEST_WORD)))].slice(0, MOST_WORDS);
}

function shown({ message, file }: Hit, words: readonly string[]): string {
  const { speaker, sentAt, body, attachment } = message;
  const when = new Date(sentAt).toISOString().slice(0, 16).replace("T", " ");
  const name = attachment === undefined || file === undefined ? "" : ` (in the file ${attachment.name})`;
  return `${when} UTC, ${speaker}${name}: ${excerpt(file ?? body, words)}`;
}

/** The text around the first of the words. */
function excerpt(text: string, words: readonly string[]): string {
  const whole = text.normalize("NFC");
  const inText = whole.toLowerCase();
  const first = Math.min(...words.map((word) => inText.indexOf(word)).filter((at) => at >= 0));
  const begin = Number.isFinite(first) ? Math.max(0, first - EXCERPT / 2) : 0;
  const end = begin + EXCERPT;
  return `${begin > 0 ? "… " : ""}${whole.slice(begin, end).toWellFormed()}${end < whole.length ? " …" : ""}`;
}
