/**
 * Remembers the to-device messages that ended the process. The engine can panic over a message, which ends the whole
 * process; `/sync` brings that message again at every start.
 */
export interface ToDeviceAttempts {
  /** Called before the engine is given a batch. True when an earlier attempt never ended. */
  begin(): Promise<boolean>;
  /**
   * Called before the engine is given one message by itself. False when that message has ended the process too often:
   * it is then set aside and must not be given again.
   */
  mayTry(message: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** The engine has handled a message that was given by itself. */
  passed(message: Readonly<Record<string, unknown>>): Promise<void>;
}
