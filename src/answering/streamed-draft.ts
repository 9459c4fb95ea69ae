import type { LiveStream } from "../ghost/live-stream.ts";
import { STREAM } from "../matrix/event-stream.ts";
import type { LiveDraft } from "../turns/turn-work.ts";
import type { MessageContent } from "./reply.ts";

/** An answer that is shown by a stream while it grows; see {@link LiveStream}. */
export class StreamedDraft implements LiveDraft {
  readonly #make: () => Promise<LiveStream | undefined>;
  readonly #textOf: (text: string) => Promise<string>;
  #stream: LiveStream | undefined;

  /**
   * @param options.make makes the stream; undefined where there can be none.
   * @param options.textOf the text as the message shows it.
   */
  constructor(options: {
    readonly make: () => Promise<LiveStream | undefined>;
    readonly textOf: (text: string) => Promise<string>;
  }) {
    this.#make = options.make;
    this.#textOf = options.textOf;
  }

  /** The message's content with what it says of the stream. */
  async telling(content: MessageContent): Promise<MessageContent> {
    this.#stream = await this.#make();
    return this.#stream === undefined ? content : { ...content, [STREAM]: this.#stream.descriptor };
  }

  get isOpen(): boolean {
    return this.#stream?.isOpen ?? false;
  }

  async begun(eventId: string, text: string): Promise<void> {
    this.#stream?.begin(eventId, await this.#textOf(text));
  }

  async update(text: string): Promise<boolean> {
    if (!this.isOpen) return false;
    this.#stream?.update(await this.#textOf(text));
    return true;
  }

  end(): void {
    this.#stream?.end();
  }
}
