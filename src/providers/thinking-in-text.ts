/** A piece of a model's output, as thought or as answer. */
export type Part =
  | { readonly kind: "text" | "thinking"; readonly text: string }
  /** All text so far was thinking, whose start mark stood in the prompt, invisible to us. */
  | { readonly kind: "recant" };

/** The marks of a model's thoughts in its text: the start marks and the end marks. */
interface Form {
  readonly begins: string;
  readonly ends: string;
}

const TAGS: readonly Form[] = ["think", "thinking", "thought", "reasoning", "seed:think"].map((tag) => ({
  begins: `<${tag}>`,
  ends: `</${tag}>`,
}));

const FORMS: readonly Form[] = [
  ...TAGS,
  { begins: "[THINK]", ends: "[/THINK]" },
  { begins: "◁think▷", ends: "◁/think▷" },
];

/** Harmony's channels (gpt-oss): thoughts in `analysis` and `commentary`, the answer in `final`. */
const MARK = /^<\|(start|channel|message|end|return|call|constrain)\|>/;
const LONGEST_MARK = 16;

/** Tokens by which templates end an answer; a server that does not know its model leaves them in the text. */
const END_TOKENS = [
  "<|im_end|>",
  "<|eot_id|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<end_of_turn>",
  "<｜end▁of▁sentence｜>",
];

/** The longest start mark of thoughts. */
const LONGEST_BEGINNING = Math.max(...FORMS.map(({ begins }) => begins.length));

type Said = Extract<Part, { readonly text: string }>;

type State =
  /** Only blanks have come. */
  | { readonly kind: "start" }
  /** A tag has started thoughts, which go on until its end mark. */
  | { readonly kind: "thinking"; readonly ends: string }
  /** Harmony: the name of the channel, or the text in it. */
  | { readonly kind: "harmony"; readonly channel: string; readonly says: boolean }
  | { readonly kind: "text" };

/**
 * Separates a model's thoughts from its answer where a server leaves them in the text. It examines only the beginning,
 * so an answer about the tags keeps them. It holds back only what may be part of a mark, and the result does not depend
 * on the cuts of the text.
 */
export class ThinkingInText {
  #state: State = { kind: "start" };
  #held = "";
  /** The released text, while a lone end mark may still turn it into thoughts; and its end. */
  #said: string[] | undefined = [];
  #tail = "";

  /** Takes more text; returns the pieces that have become certain. */
  push(text: string): Part[] {
    this.#held += text;
    return this.#take(false);
  }

  /** Ends the text; returns the rest. */
  end(): Part[] {
    return this.#take(true);
  }

  #take(isEnd: boolean): Part[] {
    const parts: Part[] = [];
    for (;;) {
      const before = this.#state;
      const held = this.#held.length;
      const part = this.#step(isEnd);
      if (part !== undefined && part.text !== "") parts.push(...this.#recanted(part, isEnd));
      if (this.#state === before && this.#held.length === held) return parts;
    }
  }

  /** Applies a lone end mark in the part. Only the first one counts, so that a text is searched once. */
  #recanted(part: Said, isEnd: boolean): Part[] {
    if (part.kind !== "text" || this.#said === undefined) return [part];
    this.#said.push(part.text);
    const seen = this.#tail + part.text;
    const at = seen.indexOf(LONE_END);
    if (at === -1) {
      this.#tail = seen.slice(1 - LONE_END.length);
      return [part];
    }
    const behind = seen.slice(at + LONE_END.length);
    const answer = behind.trimStart();
    // The next text shows whether this mark ends anything.
    if (answer === "" && !isEnd && behind.length < LONGEST_GAP) {
      this.#tail = seen.slice(at);
      return [part];
    }
    const said = this.#said.join("");
    this.#said = undefined;
    const thoughts = said.slice(0, said.length - seen.length + at);
    const gap = behind.slice(0, behind.length - answer.length);
    if (answer === "" || !isBlankLine(gap) || !isAlone(thoughts)) return [part];
    const given = said.length - part.text.length;
    return [{ kind: "recant" }, { kind: "thinking", text: thoughts.slice(given) }, { kind: "text", text: answer }];
  }

  #step(isEnd: boolean): Said | undefined {
    switch (this.#state.kind) {
      case "start":
        this.#start(isEnd);
        return undefined;
      case "thinking":
        return this.#thinking(this.#state.ends, isEnd);
      case "harmony":
        return this.#harmony(this.#state, isEnd);
      case "text":
        return this.#text(isEnd);
    }
  }

  #start(isEnd: boolean): void {
    const text = this.#held.trimStart();
    this.#held = text;
    if (text === "") return;
    const form = FORMS.find(({ begins }) => text.startsWith(begins));
    if (form !== undefined) {
      this.#said = undefined;
      this.#held = text.slice(form.begins.length);
      this.#state = { kind: "thinking", ends: form.ends };
      return;
    }
    const mark = MARK.exec(text)?.[1];
    if (mark === "channel" || mark === "start") {
      this.#said = undefined;
      this.#held = text;
      this.#state = { kind: "harmony", channel: "", says: false };
      return;
    }
    const mayBegin =
      FORMS.some(({ begins }) => begins.startsWith(text)) ||
      "<|channel|>".startsWith(text) ||
      "<|start|>".startsWith(text);
    if (!isEnd && mayBegin && text.length < LONGEST_BEGINNING) return;
    this.#state = { kind: "text" };
  }

  #thinking(ends: string, isEnd: boolean): Said {
    const at = this.#held.indexOf(ends);
    if (at === -1) return { kind: "thinking", text: this.#release(isEnd ? 0 : ends.length - 1) };
    const text = this.#held.slice(0, at);
    this.#held = this.#held.slice(at + ends.length).trimStart();
    // Blanks after the end may still come.
    this.#state = { kind: "start" };
    return { kind: "thinking", text };
  }

  #harmony({ channel, says }: Extract<State, { kind: "harmony" }>, isEnd: boolean): Said | undefined {
    const kind = channel === "" || channel === "final" ? "text" : "thinking";
    const at = this.#held.indexOf("<|");
    if (at === -1 || (at > 0 && says)) {
      const keep = at === -1 ? (isEnd ? 0 : 1) : this.#held.length - at;
      const text = this.#release(keep);
      if (says) return { kind, text };
      if (text !== "") this.#state = { kind: "harmony", channel: (channel + text).trim().slice(0, LONGEST_MARK), says };
      return undefined;
    }
    if (at > 0) {
      this.#state = {
        kind: "harmony",
        channel: (channel + this.#release(this.#held.length - at)).trim().slice(0, LONGEST_MARK),
        says,
      };
      return undefined;
    }
    const mark = MARK.exec(this.#held);
    if (mark !== null) {
      this.#held = this.#held.slice(mark[0].length);
      const [, name] = mark;
      if (name === "message") this.#state = { kind: "harmony", channel: channel.split(/[\s<]/)[0] ?? "", says: true };
      else if (name === "constrain") this.#state = { kind: "harmony", channel: `${channel} `, says: false };
      else this.#state = { kind: "harmony", channel: "", says: false };
      return undefined;
    }
    if (!isEnd && this.#held.length < LONGEST_MARK) return undefined;
    return { kind, text: this.#release(this.#held.length - 1) };
  }

  #text(isEnd: boolean): Said {
    if (isEnd) {
      let text = this.#release(0);
      for (let end = endTokenOf(text); end !== undefined; end = endTokenOf(text))
        text = text.trimEnd().slice(0, -end.length);
      return { kind: "text", text };
    }
    // Perhaps only an end token, with blanks around it, is still to come.
    const end = this.#held.slice(-MOST_HELD);
    const mark = end.search(/\s*(?:<[^\s<]{0,32}\s*){0,2}$/);
    return { kind: "text", text: this.#release(end.length - mark) };
  }

  /** Everything held back except the last characters. */
  #release(keep: number): string {
    const text = this.#held.slice(0, Math.max(0, this.#held.length - keep));
    this.#held = this.#held.slice(text.length);
    return text;
  }
}

/** The mark that ends a model's thoughts when its template starts them. */
const LONE_END = "</think>";

/** The most blanks between it and the answer, in characters. */
const LONGEST_GAP = 64;

/** Whether a blank line follows, as in templates before the answer. */
function isBlankLine(gap: string): boolean {
  return gap.split("\n").length > 2;
}

/** Whether an end mark stands on its own line, at the margin, and outside code. */
function isAlone(before: string): boolean {
  if (before !== "" && !before.endsWith("\n")) return false;
  let fence = "";
  for (const line of before.split("\n")) {
    const [, mark = "", info = ""] = /^[\s>*+\-\d.]{0,40}(`{3,}|~{3,})(.{0,200})/.exec(line) ?? [];
    if (mark === "") continue;
    if (fence === "") fence = mark;
    else if (mark.startsWith(fence) && info.trim() === "") fence = "";
  }
  return fence === "" && !before.includes("<think>");
}

/** The longest part of a text's end that is held back because it may become an end token, in characters. */
const MOST_HELD = 48;

function endTokenOf(text: string): string | undefined {
  const end = text.trimEnd();
  return END_TOKENS.find((token) => end.endsWith(token));
}
