import { Writable } from "node:stream";
import unicode from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal without a window, which understands output like xterm. */
export class Emulator {
  readonly #terminal: xterm.Terminal;

  constructor({ columns, rows }: Size) {
    this.#terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 100_000, allowProposedApi: true });
    this.#terminal.loadAddon(new unicode.Unicode11Addon());
    this.#terminal.unicode.activeVersion = "11";
  }

  write(data: string | Uint8Array): void {
    this.#terminal.write(data);
  }

  /** Receives the terminal's own replies, e.g. the position of the cursor. */
  onAnswer(listener: (data: string) => void): void {
    this.#terminal.onData(listener);
  }

  resize({ columns, rows }: Size): void {
    this.#terminal.resize(columns, rows);
  }

  /** Its whole contents, starting with scrolled lines; rows that it wrapped itself are one line. */
  async lines(): Promise<string[]> {
    await this.#written();
    const { active } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let y = 0; y < active.length; y++) {
      const row = active.getLine(y);
      const next = active.getLine(y + 1);
      const isBroken = next?.isWrapped === true;
      // A wide character that did not fit has left an empty cell.
      const end = isBroken && row?.getCell(row.length - 1)?.getChars() === "" ? row.length - 1 : undefined;
      const text = row?.translateToString(!isBroken, 0, end) ?? "";
      if (row?.isWrapped === true) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
    }
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** The visible rows. */
  async screen(): Promise<string[]> {
    await this.#written();
    const { active } = this.#terminal.buffer;
    return Array.from({ length: this.#terminal.rows }, (_, row) =>
      (active.getLine(active.baseY + row)?.translateToString(true) ?? "").trimEnd(),
    );
  }

  /** The position of the cursor in the visible rows. */
  async cursor(): Promise<{ readonly row: number; readonly column: number }> {
    await this.#written();
    const { cursorX: column, cursorY: row } = this.#terminal.buffer.active;
    return { row, column };
  }

  async #written(): Promise<void> {
    await new Promise<void>((done) => this.#terminal.write("", done));
  }
}

/** A stream that a program takes for its terminal. */
export class EmulatedOutput extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  readonly emulator: Emulator;

  constructor(size: Size) {
    super({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        // As the kernel does.
        this.emulator.write(chunk.replaceAll("\n", "\r\n"));
        done();
      },
    });
    ({ columns: this.columns, rows: this.rows } = size);
    this.emulator = new Emulator(size);
  }

  resize(size: Size): void {
    this.emulator.resize(size);
    ({ columns: this.columns, rows: this.rows } = size);
    this.emit("resize");
  }
}
