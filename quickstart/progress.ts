import { rowsOf } from "./rows.ts";
import { canRedraw } from "./screen.ts";
import { plainText, style, styled } from "./terminal.ts";

/** Told what a step is doing meanwhile. */
export type Detail = (line: string) => void;

/** Shows a person what they are waiting for. */
export interface Progress {
  /** Shows that this is being done until `work` settles, and how long it took. */
  step<T>(title: string, work: (detail: Detail) => Promise<T>): Promise<T>;
}

/** How a stream of text is shown to; a part of `tty.WriteStream`. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** Shortest time between two details where each takes a line of its own. */
const DETAIL_MS = 5000;

/** A spinner that stays on its line on a terminal; elsewhere a line when a step begins, now and then, and when it ends. */
export function createProgress(screen: Screen, now: () => number = () => performance.now()): Progress {
  return canRedraw(screen) ? spinner(screen, now) : lines(screen, now);
}

function lines(screen: Screen, now: () => number): Progress {
  return {
    async step(title, work) {
      const started = now();
      let shown = started;
      screen.write(`${plainText(title)} …\n`);
      const result = await work((line) => {
        if (now() - shown < DETAIL_MS) return;
        shown = now();
        screen.write(`  ${plainText(line)}\n`);
      });
      screen.write(`${plainText(title)}: done in ${seconds(now() - started)}\n`);
      return result;
    },
  };
}

function spinner(screen: Screen, now: () => number): Progress {
  const draw = (mark: string, text: string): unknown => {
    // A terminal that does not know its width says 0.
    const width = screen.columns === undefined || screen.columns === 0 ? 80 : screen.columns;
    const line = [{ text: plainText(text).replaceAll("\n", " ") }];
    const [row] = rowsOf(line, Math.max(1, width - 3));
    return screen.write(`\r\x1b[2K${mark} ${row === undefined ? "" : styled(row.spans)}`);
  };
  return {
    async step(title, work) {
      const started = now();
      let detail = "";
      let frame = 0;
      const turn = (): void => {
        frame = (frame + 1) % FRAMES.length;
        draw(FRAMES[frame] ?? "", `${title} … ${seconds(now() - started)} ${detail}`);
      };
      turn();
      const timer = setInterval(turn, FRAME_MS);
      let mark = style("red", "✗");
      try {
        const result = await work((line) => (detail = line));
        mark = style("green", "✓");
        return result;
      } finally {
        clearInterval(timer);
        // It stays, so it may take more than a row.
        const ended = plainText(`${title} (${seconds(now() - started)})`).replaceAll("\n", " ");
        screen.write(`\r\x1b[2K${mark} ${ended}\n`);
      }
    },
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
