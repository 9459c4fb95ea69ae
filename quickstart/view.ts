import type { Interface, Key } from "node:readline";
import type { News } from "./news.ts";
import { pipeText, terminalLines, typingLine } from "./rendering.ts";
import { Screen, type TerminalOutput } from "./screen.ts";
import type { Line } from "./terminal.ts";
import { Transcript } from "./transcript.ts";

/** Shows a conversation. */
export interface View {
  /** A message or an act of the partner. */
  show(news: News): void;
  /** A word of the quickstart's own. */
  remark(text: string): void;
  /** No more will come of the answer to this question. */
  breakOff(question: string): void;
  /** Shows nothing more; a part that is not whole is left as it is. Idempotent. */
  close(): void;
}

/** The agent that the person talks to. */
export interface Partner {
  readonly partnerName: string;
  isTyping(): boolean;
}

/** Where nothing can be taken back: each message once, when it is whole. */
export class PipeView implements View {
  readonly #transcript = new Transcript();
  readonly #partner: Partner;
  readonly #output: NodeJS.WritableStream;

  constructor(partner: Partner, output: NodeJS.WritableStream) {
    this.#partner = partner;
    this.#output = output;
  }

  show(news: News): void {
    this.#transcript.add(news);
    this.#print();
  }

  remark(text: string): void {
    this.#transcript.write({ kind: "remark", text });
    this.#print();
  }

  breakOff(question: string): void {
    this.#transcript.breakOff(question);
    this.#print();
  }

  close(): void {
    // All that is whole has been printed.
  }

  #print(): void {
    for (const entry of this.#transcript.take("all")) {
      const text = pipeText(entry, this.#partner.partnerName);
      if (text !== "") this.#output.write(text);
    }
  }
}

/** The conversation on a terminal, where answers grow in place above what is being typed. */
export class TerminalView implements View {
  readonly #transcript = new Transcript();
  readonly #partner: Partner;
  readonly #screen: Screen;
  #isTyping: boolean;
  #isClosed = false;

  /** @param lines reads from `input`; the lines that are entered are shown, too. Once it is closed, the view is. */
  constructor(partner: Partner, input: NodeJS.ReadableStream, output: TerminalOutput, lines: Interface) {
    this.#partner = partner;
    this.#isTyping = partner.isTyping();
    this.#screen = new Screen(output, { linesFromTheEnd: () => this.#openFromTheEnd() }, lines);
    lines.on("line", (text) => {
      this.#screen.entered(text);
      if (text.trim() !== "") this.#transcript.write({ kind: "said", text });
      this.#update();
    });
    lines.on("SIGCONT", () => this.#update());
    // At once: readline can't be drawn after it.
    lines.once("close", () => this.close());
    input.on("keypress", (_text: string | undefined, key: Key) => this.#screen.pressed(key));
    this.#update();
  }

  show(news: News): void {
    if (news.kind === "typing") this.#isTyping = news.isTyping;
    this.#transcript.add(news);
    this.#update();
  }

  remark(text: string): void {
    this.#transcript.write({ kind: "remark", text });
    this.#update();
  }

  breakOff(question: string): void {
    this.#transcript.breakOff(question);
    this.#update();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transcript.breakOff();
    this.#screen.close(this.#final());
  }

  #update(): void {
    if (!this.#isClosed) this.#screen.update(this.#final());
  }

  #final(): Line[] {
    return this.#transcript.take("in_order").flatMap((entry) => terminalLines(entry, this.#partner.partnerName));
  }

  *#openFromTheEnd(): Generator<Line> {
    const { open } = this.#transcript;
    const { partnerName } = this.#partner;
    const isGrowing = open.some((entry) => entry.kind === "message" && entry.state === "growing");
    if (this.#isTyping && !isGrowing) yield typingLine(partnerName);
    for (const entry of open.toReversed()) yield* terminalLines(entry, partnerName).reverse();
  }
}
