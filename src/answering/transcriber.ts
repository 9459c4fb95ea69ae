import type { History } from "../memory/history.ts";
import type { RememberedMessage } from "../memory/remembered-message.ts";
import type { PrivacyGate, Whose } from "../privacy/gate.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import { recordingEnding } from "../providers/recordings.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/** The configured model that transcribes recordings. */
export interface TranscriptionModel {
  readonly provider: string;
  readonly model: string;
}

/** Transcribes the recordings of questions. */
export class Transcriber {
  readonly #model: () => TranscriptionModel | undefined;
  readonly #provider: (name: string) => Provider | undefined;
  readonly #privacy: PrivacyGate;
  readonly #history: Pick<History, "reworded">;

  /** @param options.model undefined where recordings are not transcribed; read anew each time. */
  constructor(options: {
    readonly model: () => TranscriptionModel | undefined;
    readonly provider: (name: string) => Provider | undefined;
    readonly privacy: PrivacyGate;
    readonly history: Pick<History, "reworded">;
  }) {
    this.#model = options.model;
    this.#provider = options.provider;
    this.#privacy = options.privacy;
    this.#history = options.history;
  }

  /**
   * The words of a recording, which from now on replace it in the history. Throws {@link UnreadableFile} where it can't
   * be transcribed, or may not go to the provider.
   */
  async transcribe(whose: Whose, message: RememberedMessage, audio: Uint8Array, signal: AbortSignal): Promise<string> {
    const transcription = this.#model();
    const listening = transcription && this.#provider(transcription.provider);
    if (transcription === undefined || listening?.transcribe === undefined) throw new UnreadableFile("cant_hear");
    const { model } = transcription;
    const destination = await this.#privacy.destinationOf(listening, model);
    const { ghost, roomId } = whose;
    if ((await this.#privacy.check(whose, destination)) !== "yes") throw new UnreadableFile("cant_hear");
    await this.#privacy.note({ ghost, roomId, ...destination, model, kind: "recording", bytes: audio.byteLength });
    const words = await listening
      // The name's ending states the format, and nothing else is revealed.
      .transcribe({ model, audio, fileName: `voice.${recordingEnding(audio) ?? "ogg"}`, signal })
      .catch((error: unknown) => {
        if (signal.aborted || !(error instanceof ProviderError)) throw error;
        throw new UnreadableFile("cant_hear", { cause: error });
      });
    const text = words.trim();
    if (text === "") throw new UnreadableFile("no_text");
    const body = [message.body, text].filter((part) => part !== "").join("\n\n");
    await this.#history.reworded(ghost, roomId, message.eventId, body);
    return text;
  }
}
