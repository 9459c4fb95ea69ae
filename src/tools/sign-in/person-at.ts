/** A person at a tool server. */
export interface PersonAt {
  readonly server: string;
  readonly userId: string;
}
