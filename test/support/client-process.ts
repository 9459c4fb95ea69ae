import { lastLines, type Process } from "./process.ts";
import { Timeline } from "./timeline.ts";
import type { Answer, Command, Notice, StreamUpdate } from "./user-protocol.ts";

/** A client's report after its login. */
export interface ClientSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly accessToken: string;
  /** Of the secret storage, if the client has made one. */
  readonly recoveryKey?: string;
}

/** The other end of a client's process: sends requests, and stores reports. */
export class ClientProcess {
  readonly timeline = new Timeline();
  readonly typing = new Map<string, readonly string[]>();
  readonly receipts = new Map<string, Map<string, string>>();
  /** By the event whose stream it is. */
  readonly streams = new Map<string, readonly StreamUpdate[]>();
  readonly #name: string;
  readonly #process: Process;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor(name: string, process: Process) {
    this.#name = name;
    this.#process = process;
    process.onLine((line) => this.#receive(JSON.parse(line) as Answer | Notice));
  }

  async call(command: Command): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.write(JSON.stringify({ id, ...command }));
    const answer = await Promise.race([answered, this.#process.exited.then(() => undefined)]);
    this.#waiting.delete(id);
    if (answer === undefined) throw this.#gone();
    if (answer.ok) return answer.result;
    throw new Error(`${this.#name} ${command.cmd}: ${answer.error}`);
  }

  assertRunning(): void {
    if (this.#process.exit() !== undefined) throw this.#gone();
  }

  log(): readonly string[] {
    return this.#process.stderr;
  }

  async stop(): Promise<void> {
    if (this.#process.exit() === undefined) await this.#process.stop({ signal: "SIGKILL" });
  }

  #gone(): Error {
    return new Error(`the client of ${this.#name} has ended:\n${lastLines(this.#process)}`);
  }

  #receive(message: Answer | Notice): void {
    if ("id" in message) {
      this.#waiting.get(message.id)?.(message);
      return;
    }
    switch (message.event) {
      case "timeline":
        this.timeline.add(message.seen);
        break;
      case "stream":
        this.streams.set(message.eventId, [...(this.streams.get(message.eventId) ?? []), message.update]);
        break;
      case "typing":
        this.typing.set(message.roomId, message.userIds);
        break;
      case "receipt": {
        const receipts = this.receipts.get(message.roomId) ?? new Map<string, string>();
        this.receipts.set(message.roomId, receipts.set(message.userId, message.eventId));
        break;
      }
    }
  }
}
