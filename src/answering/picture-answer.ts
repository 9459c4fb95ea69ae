import type { AnswerSettings } from "../config/config.ts";
import { formFor, type Form, type SentFile } from "../ghost/form.ts";
import { pictureType } from "../providers/pictures.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import { ProviderError } from "../providers/provider.ts";
import type { AnsweredReply, Turn } from "../turns/turn.ts";
import { toAsker } from "./answer-messages.ts";
import type { Material } from "./material.ts";
import { withPictureMark } from "./picture-mark.ts";
import { pictureContent } from "./reply.ts";
import type { ReplyTargets } from "./reply-targets.ts";
import type { Voice } from "./voices.ts";

/** Uploads a file, encrypted where the room is; resolves with its description for a message. */
export type Upload = (
  ghost: string,
  roomId: string,
  bytes: Uint8Array,
  mimetype: string,
  form: Form,
) => Promise<SentFile>;

/** Answers with pictures instead of words. */
export class PictureAnswers {
  readonly #privacy: Pick<PrivacyGate, "note">;
  readonly #targets: ReplyTargets;
  readonly #answers: () => Pick<AnswerSettings, "aiMarks">;
  readonly #upload: Upload;

  constructor(options: {
    readonly privacy: Pick<PrivacyGate, "note">;
    readonly targets: ReplyTargets;
    /** The admin's settings; read anew each time. */
    readonly answers: () => Pick<AnswerSettings, "aiMarks">;
    readonly upload: Upload;
  }) {
    this.#privacy = options.privacy;
    this.#targets = options.targets;
    this.#answers = options.answers;
    this.#upload = options.upload;
  }

  /**
   * Draws the requested picture. Throws ProviderError, and the error of the upload.
   *
   * @param destination the recipient of the words, recorded before they are sent.
   */
  async draw(
    turn: Turn,
    { provider, model }: Voice,
    destination: Destination,
    material: Material,
    signal: AbortSignal,
  ): Promise<AnsweredReply> {
    const { ghost, roomId } = turn;
    const question = material.latest.at(-1);
    const caption = question?.body ?? "";
    const about = material.about.replies.get(question?.repliesTo ?? "")?.body ?? "";
    const prompt = [about, caption].filter((part) => part !== "").join("\n\n");
    if (provider.draw === undefined) throw new ProviderError("refused", "this provider makes no pictures");
    const size = Buffer.byteLength(prompt);
    await this.#privacy.note({ ghost, roomId, ...destination, model, kind: "picture", bytes: size });
    const drawn = await provider.draw({ model, prompt, signal });
    const bytes = this.#answers().aiMarks ? withPictureMark(drawn) : drawn;
    const file = await this.#upload(ghost, roomId, bytes, pictureType(bytes) ?? "image/png", formFor(material));
    const target = await this.#targets.of(turn);
    const content = pictureContent({ bytes, file, caption }, target, toAsker(turn, target.follows));
    return { outcome: "answered", messages: [{ content, remembered: `(A picture: ${caption})` }] };
  }
}
