import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import type { PrivacyGate } from "../privacy/gate.ts";
import { Patience } from "../providers/patience.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import { recordingEnding } from "../providers/recordings.ts";
import { namesOf } from "../addressing/candidate.ts";
import type { Attachment } from "../matrix/attachments.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { ListedAgent } from "../agents/agents.ts";
import type { TranscriptionModel } from "../answering/transcriber.ts";
import { UnreadableFile } from "../answering/unreadable-file.ts";

/** The parts that listening needs. */
export interface VoiceCallsOptions {
  readonly agents: () => readonly ListedAgent[];
  readonly provider: (name: string) => Provider | undefined;
  readonly privacy: PrivacyGate;
  /** Read anew each time. */
  readonly transcription: () => TranscriptionModel | undefined;
  readonly download: (
    ghost: string,
    attachment: Attachment,
    maxBytes: number,
    signal: AbortSignal,
  ) => Promise<Uint8Array>;
  /** @see PATIENCE_MS; for tests. */
  readonly listensMs?: number;
}

/** The longest voice message that is searched for a name, in ms (by its sender's word) and in bytes. */
const LONGEST_MS = 120_000;
const LARGEST = 2_000_000;

/** The time of continuous listening, in ms; after that, listening gets a tenth of the time. */
const PATIENCE_MS = 10_000;

/** The number of latest transcriptions that are kept for other agents of a room. */
const KEPT = 50;

/** Shorter names occur in too many words. */
const SHORTEST_NAME = 3;

/**
 * Listens for agents' names in the voice messages of groups, because nobody can mention anybody by voice. It does so
 * only where a local server transcribes: people's talk goes nowhere else. Nothing is stored where no name is heard.
 */
export class VoiceCalls {
  readonly #options: VoiceCallsOptions;
  /** While a message is transcribed, the agent hears nobody else. */
  readonly #patience: Patience;
  readonly #heard = new Map<string, Promise<string>>();

  constructor(options: VoiceCallsOptions) {
    this.#options = options;
    this.#patience = new Patience({ mostMs: options.listensMs ?? PATIENCE_MS });
  }

  /**
   * The words of a voice message that says a ghost's name; undefined where it is no voice message, says no name, can't
   * be transcribed, or its sender may not ask.
   */
  async wordsTo(
    ghost: GhostHandle,
    message: GhostMessage,
    mayAsk: () => Promise<boolean>,
  ): Promise<string | undefined> {
    const { provider, privacy, agents } = this.#options;
    const transcription = this.#options.transcription();
    const attachment = voiceOf(message.content);
    if (transcription === undefined || attachment?.kind !== "audio" || !isShort(attachment)) return undefined;
    const named = agents().find(({ userId }) => userId === ghost.userId);
    const heard = provider(transcription.provider);
    if (named === undefined || heard?.transcribe === undefined) return undefined;
    try {
      const destination = await privacy.destinationOf(heard, transcription.model);
      if (destination.locality !== "local" || !(await mayAsk())) return undefined;
      const words = await this.#words(ghost, message, attachment);
      return saysName(words, namesOf(named.userId, named.agent)) ? words : undefined;
    } catch (error) {
      // A missing file must not delay other messages, because nobody has asked the agent anything yet.
      const isUnheard = error instanceof ProviderError || error instanceof UnreadableFile || isHomeserverError(error);
      if (!isUnheard) throw error;
      ghost.log.info({ room: message.roomId, event: message.eventId, error }, "a voice message was not transcribed");
      return undefined;
    }
  }

  /** Once for all agents of the room. */
  async #words(ghost: GhostHandle, { roomId, eventId }: GhostMessage, attachment: Attachment): Promise<string> {
    const known = this.#heard.get(eventId);
    if (known !== undefined) return known;
    const ended = new AbortController();
    const words = this.#patience
      .wait(ghost.userId, () => this.#transcribe(ghost, roomId, attachment, ended.signal))
      .finally(() => ended.abort());
    words.catch(() => this.#heard.delete(eventId));
    this.#heard.set(eventId, words);
    for (const oldest of [...this.#heard.keys()].slice(0, -KEPT)) this.#heard.delete(oldest);
    return words;
  }

  async #transcribe(ghost: GhostHandle, roomId: string, attachment: Attachment, signal: AbortSignal): Promise<string> {
    const { provider, privacy, download } = this.#options;
    const transcription = this.#options.transcription();
    const { model } = transcription ?? { model: "" };
    const heard = transcription && provider(transcription.provider);
    if (heard?.transcribe === undefined) throw new UnreadableFile("cant_hear");
    const audio = await download(ghost.userId, attachment, LARGEST, signal);
    const ending = recordingEnding(audio);
    if (ending === undefined) throw new UnreadableFile("mislabelled");
    const destination = await privacy.destinationOf(heard, model);
    await privacy.note({
      ghost: ghost.userId,
      roomId,
      ...destination,
      model,
      kind: "recording",
      bytes: audio.byteLength,
    });
    return (await heard.transcribe({ model, audio, fileName: `voice.${ending}`, signal })).trim();
  }
}

function voiceOf(content: ReceivedContent): Attachment | undefined {
  return content.kind === "file" && content.isVoice ? content.attachment : undefined;
}

function isShort({ size = 0, durationMs = 0 }: Attachment): boolean {
  return size <= LARGEST && durationMs <= LONGEST_MS;
}

/** Whether the words contain one of these names, as a whole word. */
function saysName(words: string, names: readonly string[]): boolean {
  const text = ` ${plain(words)} `;
  return names.some((name) => plain(name).length >= SHORTEST_NAME && text.includes(` ${plain(name)} `));
}

/** The spoken form: without signs, one space between words. */
function plain(text: string): string {
  return text
    .slice(0, LONGEST_WORDS)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, " ")
    .trim();
}

/** The part that is searched for a name, in characters. */
const LONGEST_WORDS = 10_000;
