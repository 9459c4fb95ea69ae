/**
 * Knows which to-device messages ended the process. The engine can panic over a message, which is the end of the whole
 * process; `/sync` brings that message again at the next start, and again.
 */
export interface ToDeviceAttempts {
  /** Called before the engine is given a batch. True when an earlier attempt never came to its end. */
  begin(): Promise<boolean>;
  /**
   * Called before the engine is given one message by itself. False when that has ended the process too often: then it is
   * set aside and must not be given again.
   */
  mayTry(message: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** The engine has taken a message that was given by itself. */
  passed(message: Readonly<Record<string, unknown>>): Promise<void>;
}
