import type { Interface, Key } from "node:readline";
import { cursorRow, lastRows, rowsOf, type Row } from "./rows.ts";
import { styledLines, type Line } from "./terminal.ts";

/** A terminal that is written to; a part of `tty.WriteStream`. */
export interface TerminalOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  prependListener(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** The lines at the end of the screen that still change. */
export interface Live {
  /** Its lines, the last one first: only those that the screen has room for are taken. */
  linesFromTheEnd(): Iterable<Line>;
}

/** A terminal that does not know its size says 0. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** This much of the screen is left for the line that is typed, and for a window that becomes smaller. */
const LEFT_FREE = 1 / 4;

const CUT: Line = [{ text: "⋮ (the whole of it stands here when it has come to its end)", style: "dim" }];

/** A row that is too long in the eyes of this terminal is cut off, and does not become two. */
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** Whether what was written can be taken back on this output. */
export function canRedraw({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY === true && process.env["TERM"] !== "dumb";
}

/**
 * The end of a terminal's screen: first the final text, which scrolls away, then the lines that still change, then the
 * line that is being typed, which is readline's. Lines that change never scroll out of reach: when they do not fit on
 * the screen, their end is shown.
 */
export class Screen {
  readonly #output: TerminalOutput;
  readonly #live: Live;
  readonly #prompt: Interface | undefined;
  /** The changing lines, as they were drawn. */
  #drawn: readonly Row[] = [];
  /** How many rows below what changes still the cursor is, where readline does not know. */
  #below: number | undefined;
  #isClosed = false;

  /** @param prompt what the person types into, if they can. */
  constructor(output: TerminalOutput, live: Live, prompt?: Interface) {
    this.#output = output;
    this.#live = live;
    this.#prompt = prompt;
    // Before readline's own listener, which takes its prompt to be where it was.
    output.prependListener("resize", this.#resized);
  }

  /** Writes what is final, once and for all, and draws anew what changes still. */
  update(final: readonly Line[] = []): void {
    this.#draw(final, this.#below ?? this.#promptRow);
  }

  /** A key was pressed, and readline has done what it stands for. */
  pressed(key: Key): void {
    if (key.ctrl === true && key.name === "z") {
      // Stopped and continued meanwhile: the shell has written below, and the cursor is on a row of its own.
      this.#drawn = [];
      this.#below = 0;
      return;
    }
    if (this.#prompt === undefined) return;
    const { rows, cols } = this.#prompt.getCursorPos();
    if ((withRow(this.#prompt).prevRows ?? 0) === rows) return;
    // Pasted text readline writes as it is, and does not notice that it takes another row; a full one is not left yet.
    this.#draw([], cols === 0 ? rows - 1 : rows);
  }

  /** The person has entered this line: it is below what changes still, and the cursor below it. */
  entered(line: string): void {
    const prompt = this.#prompt?.getPrompt() ?? "";
    this.#below = cursorRow(prompt + line, this.#width) + 1;
  }

  /** Writes what is final in the place of all that changed, and of the prompt. Nothing is drawn after it. */
  close(final: readonly Line[]): void {
    this.#isClosed = true;
    this.#output.off("resize", this.#resized);
    this.#output.write(this.#erasure(this.#below ?? this.#promptRow) + styledLines(final));
  }

  readonly #resized = (): void => {
    this.#draw([], this.#promptRow);
  };

  /** @param cursor how many rows below what changes still the cursor is. */
  #draw(final: readonly Line[], cursor: number): void {
    if (this.#isClosed) return;
    const erasure = this.#erasure(cursor);
    const width = this.#width;
    const most = this.#room();
    const { rows, isCut } = lastRows(this.#live.linesFromTheEnd(), width, most);
    this.#drawn = isCut && most > 2 ? [...rowsOf(CUT, width).slice(0, 1), ...rows.slice(1)] : rows;
    this.#below = undefined;
    const drawn = styledLines(this.#drawn.map(({ spans }) => spans));
    this.#output.write(erasure + styledLines(final) + NO_WRAP + drawn + WRAP);
    if (this.#prompt === undefined) return;
    withRow(this.#prompt).prevRows = 0;
    this.#prompt.prompt(true);
  }

  /** Takes back the drawn lines and those below. Terminals break rows anew that have become too long for them. */
  #erasure(cursor: number): string {
    const width = this.#width;
    const drawn = this.#drawn.reduce((sum, { cells }) => sum + Math.max(1, Math.ceil(cells / width)), 0);
    const up = drawn + cursor;
    return `${up > 0 ? `\x1b[${up}A` : ""}\r\x1b[J`;
  }

  /** How many rows what changes still may take. */
  #room(): number {
    const rows = positive(this.#output.rows) ?? USUAL_ROWS;
    const typed = this.#prompt && cursorRow(this.#prompt.getPrompt() + this.#prompt.line, this.#width);
    const free = Math.max(0, rows - 1 - (typed ?? 0));
    return Math.max(Math.min(free, 1), free - Math.floor(rows * LEFT_FREE));
  }

  /** On which row of the prompt the cursor is. */
  get #promptRow(): number {
    return this.#prompt?.getCursorPos().rows ?? 0;
  }

  get #width(): number {
    return positive(this.#output.columns) ?? USUAL_COLUMNS;
  }
}

/**
 * The row of its prompt in which readline believes the cursor to be; from there it goes up when it draws the prompt
 * anew.
 */
function withRow(prompt: Interface): Interface & { prevRows?: number } {
  return prompt;
}

function positive(value: number | undefined): number | undefined {
  return value === undefined || value <= 0 ? undefined : value;
}
