import type { Attachment } from "../matrix/attachments.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { ReadFiles } from "../memory/read-files.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { Turn } from "../turns/turn.ts";
import type { Material } from "./material.ts";
import type { PromptMessage } from "./prompt.ts";
import { readFiles, type ReadingOptions } from "./reading.ts";
import { ReadingRoom } from "./reading-room.ts";
import type { Transcriber } from "./transcriber.ts";
import type { Voice } from "./voices.ts";

/** Fetches a file for a ghost. Rejects with UnreadableFile, HomeserverError, or the signal's reason. */
export type Download = (
  ghost: string,
  attachment: Attachment,
  maxBytes: number,
  signal: AbortSignal,
) => Promise<Uint8Array>;

/** The messages of a turn with their files' contents. */
export interface ReadMessages {
  readonly messages: readonly PromptMessage[];
  /** The messages that others reply to, by event. */
  readonly replies: ReadonlyMap<string, PromptMessage>;
}

/** Reads the files of turns' messages. */
export class TurnFiles {
  readonly #readingRoom = new ReadingRoom();
  /** The pictures that a turn has fetched, for a repeated request to the model's server. */
  readonly #pictures = new WeakMap<Turn, Map<string, Uint8Array>>();
  readonly #known: ReadFiles;
  readonly #models: KnownModels;
  readonly #transcriber: Transcriber;
  readonly #download: Download;

  /** @param options.known the stored contents of files. */
  constructor(options: {
    readonly known: ReadFiles;
    readonly models: KnownModels;
    readonly transcriber: Transcriber;
    readonly download: Download;
  }) {
    this.#known = options.known;
    this.#models = options.models;
    this.#transcriber = options.transcriber;
    this.#download = options.download;
  }

  /** Reads as many of the latest messages as fit into a prompt. Rejects like {@link readFiles}. */
  async read(
    turn: Turn,
    { by, provider, model }: Voice,
    { latest, about, encrypted }: Material,
    limits: Pick<ReadingOptions, "budgetTokens" | "group" | "estimateTokens" | "signal">,
  ): Promise<ReadMessages> {
    const { ghost, roomId } = turn;
    const { budgetTokens, group, estimateTokens, signal } = limits;
    const read = await readFiles(withReplied(latest, about.replies), {
      budgetTokens,
      group,
      estimateTokens,
      signal,
      room: this.#readingRoom,
      repliedTo: latest.at(-1)?.repliesTo,
      canSee: async () => by.vision ?? (await this.#models.facts(provider, model)).sees,
      download: (attachment, maxBytes, until) => this.#download(ghost, attachment, maxBytes, until),
      transcribe: (message, audio) =>
        this.#transcriber.transcribe({ ghost, roomId, encrypted }, message, audio, signal),
      find: ({ eventId }) => this.#known.find({ ghost, eventId }),
      keep: ({ eventId }, outcome) => this.#known.keep({ ghost, eventId }, outcome),
      pictures: this.#picturesOf(turn),
    });
    const said = new Set(latest.map(({ eventId }) => eventId));
    const replies = new Map<string, PromptMessage>(about.replies);
    for (const message of read) if (replies.has(message.eventId)) replies.set(message.eventId, message);
    return { messages: read.filter(({ eventId }) => said.has(eventId)), replies };
  }

  #picturesOf(turn: Turn): Map<string, Uint8Array> {
    const pictures = this.#pictures.get(turn) ?? new Map<string, Uint8Array>();
    this.#pictures.set(turn, pictures);
    return pictures;
  }
}

/**
 * A conversation in which each message that others reply to stands before its first reply, unless it is already in the
 * conversation.
 */
function withReplied(
  messages: readonly RememberedMessage[],
  replies: ReadonlyMap<string, RememberedMessage>,
): readonly RememberedMessage[] {
  const there = new Set(messages.map(({ eventId }) => eventId));
  return messages.flatMap((message) => {
    const to = replies.get(message.repliesTo ?? "");
    if (to === undefined || there.has(to.eventId)) return [message];
    there.add(to.eventId);
    return [to, message];
  });
}
