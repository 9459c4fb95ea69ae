import { isObject } from "../matrix/json.ts";
import { JsonProgress } from "./json-progress.ts";
import type { CallFault, ToolCall, ToolDefinition, ToolRound } from "./tool-call.ts";

/** A piece of a call, as a stream brings it. Any server may have sent it, so nothing is sure about its values. */
export interface CallPiece {
  /** The server's number of the call. Some have none, count from 1, or give all calls the same. */
  readonly slot?: unknown;
  /** Often only in a call's first piece, or nowhere. */
  readonly id?: unknown;
  readonly name?: unknown;
  /** More of the arguments' JSON, or all of them as an object. */
  readonly arguments?: unknown;
  /** See {@link ToolCall}. */
  readonly kept?: string;
}

/** The tools that a request offers, and the earlier calls. */
interface Offered {
  readonly tools?: readonly ToolDefinition[];
  readonly toolChoice?: "none";
  readonly rounds?: readonly ToolRound[];
}

/** The most calls in one answer. */
export const MAX_CALLS = 32;

/** The longest arguments of a call, in characters of JSON. */
export const MAX_ARGUMENT_CHARS = 65_536;

/** The deepest nesting of arguments: written again as JSON, a deeper one would use up the stack. */
const MAX_DEPTH = 64;

/** The longest name that is kept of a call, in characters: longer ones are no tool's. */
const LONGEST_NAME = 128;

/** The ids that servers take back; of other servers' ids, too. */
const GOOD_ID = /^[A-Za-z0-9_.:-]{1,64}$/;

/** A call that is coming. */
interface Coming {
  readonly slot: number | undefined;
  id: string;
  name: string;
  /** The JSON of the arguments, kept in pieces: joining them each time would copy them each time. */
  texts: string[];
  length: number;
  progress: JsonProgress;
  kept: string | undefined;
}

/** Puts the calls of one answer together from the pieces of its stream, whatever a server makes of the protocol. */
export class CallAssembler {
  readonly #offered: Offered;
  readonly #calls: Coming[] = [];
  /** The name of the call that was one too many. */
  #surplus: string | undefined;

  constructor(offered: Offered) {
    this.#offered = offered;
  }

  /** Whether more calls came than an answer may have: nothing more need be read. */
  get isFull(): boolean {
    return this.#surplus !== undefined;
  }

  /** Takes the next pieces. Returns their length, in characters. Where no tools were offered, nothing is taken. */
  push(pieces: readonly CallPiece[]): number {
    if (this.#offered.tools === undefined || this.#offered.toolChoice === "none") return 0;
    return pieces.reduce((sum, piece) => sum + this.#take(piece), 0);
  }

  #take(piece: CallPiece): number {
    const slot = Number.isSafeInteger(piece.slot) ? (piece.slot as number) : undefined;
    const id = typeof piece.id === "string" && GOOD_ID.test(piece.id) ? piece.id : "";
    const name = typeof piece.name === "string" ? piece.name.trim().slice(0, LONGEST_NAME) : "";
    const call = this.#belongingTo(slot, id, name) ?? this.#begin(slot, id, name);
    if (call === undefined) return 0;
    call.id ||= id;
    call.name ||= name;
    call.kept ??= piece.kept;
    const { arguments: given } = piece;
    const text = isObject(given) ? written(given) : typeof given === "string" ? given : "";
    if (isObject(given)) Object.assign(call, { texts: [], length: 0, progress: new JsonProgress() });
    call.length += text.length;
    if (call.length <= MAX_ARGUMENT_CHARS) {
      call.texts.push(text);
      call.progress.push(text);
    }
    return text.length;
  }

  /**
   * The calls, in the order in which they began.
   *
   * @param isCut whether the answer ended at a limit.
   */
  end(isCut: boolean): readonly ToolCall[] {
    const used = new Set(this.#offered.rounds?.flatMap(({ calls }) => calls.map(({ call }) => call.id)));
    const round = this.#offered.rounds?.length ?? 0;
    const seen = new Set<string>();
    const calls: ToolCall[] = [];
    const add = ({ id, name, kept }: Pick<Coming, "id" | "name" | "kept">, read: Read): void => {
      const unique = id !== "" && !used.has(id) ? id : ownId(round, calls.length);
      used.add(unique);
      calls.push({ id: unique, name, ...(kept === undefined ? {} : { kept }), ...read });
    };
    for (const [at, call] of this.#calls.entries()) {
      const text = call.texts.join("");
      // LM Studio sends an empty one after the last.
      if (call.name === "" && text.trim() === "") continue;
      // Some servers send a whole call once more at its end: it must not be made twice.
      const same = `${call.id === "" ? (call.slot ?? "") : `"${call.id}"`} ${call.name} ${text}`;
      if (seen.has(same)) continue;
      seen.add(same);
      add(call, this.#read(call, text, isCut && at === this.#calls.length - 1));
    }
    if (this.#surplus !== undefined)
      add({ id: "", name: this.#surplus, kept: undefined }, { kind: "faulty", fault: "too_many" });
    return calls;
  }

  /** The call that a piece continues; undefined where it begins one. */
  #belongingTo(slot: number | undefined, id: string, name: string): Coming | undefined {
    const call =
      slot !== undefined
        ? this.#calls.findLast((one) => one.slot === slot)
        : id !== ""
          ? this.#calls.findLast((one) => one.id === id)
          : this.#calls.at(-1);
    if (call === undefined) return undefined;
    // Ollama gives all calls the number 0.
    if (id !== "" && call.id !== "" && id !== call.id) return undefined;
    if (name === "" || call.name === "") return call;
    // Some servers repeat the name in each piece.
    return name === call.name && !call.progress.isComplete ? call : undefined;
  }

  #begin(slot: number | undefined, id: string, name: string): Coming | undefined {
    if (this.#calls.length === MAX_CALLS) {
      this.#surplus ??= name;
      return undefined;
    }
    const call = { slot, id, name, texts: [], length: 0, progress: new JsonProgress(), kept: undefined };
    this.#calls.push(call);
    return call;
  }

  #read(call: Coming, text: string, isCut: boolean): Read {
    const faulty = (fault: CallFault): Read => ({ kind: "faulty", fault });
    if (this.#offered.tools?.some((tool) => tool.name === call.name) !== true) return faulty("unknown_tool");
    if (call.length > MAX_ARGUMENT_CHARS || call.progress.deepest > MAX_DEPTH) return faulty("too_long");
    // Tools without parameters are called without any.
    if (text.trim() === "" && !isCut) return { kind: "good", arguments: {} };
    const value = parsed(text);
    if (value === undefined) return faulty(isCut ? "cut_off" : "no_json");
    if (value === null) return { kind: "good", arguments: {} };
    // Some models write the JSON as a string in JSON.
    const inner = typeof value === "string" ? parsed(value) : value;
    return isObject(inner) ? { kind: "good", arguments: inner } : faulty("no_object");
  }
}

type Read =
  | { readonly kind: "good"; readonly arguments: Readonly<Record<string, unknown>> }
  | { readonly kind: "faulty"; readonly fault: CallFault };

/** An object as JSON; more than any call may have where it is nested too deeply for that. */
function written(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "[".repeat(MAX_ARGUMENT_CHARS + 1);
  }
}

/** The value of a JSON text; undefined where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An id where the server has no good one. Mistral's templates take only nine letters and digits. */
function ownId(round: number, at: number): string {
  return `call${String(round % 100).padStart(2, "0")}${String(at).padStart(3, "0")}`;
}
