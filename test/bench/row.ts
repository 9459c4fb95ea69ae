/** A thing that was measured. The first row of a table is what the others are compared with. */
export interface Row {
  readonly what: string;
  readonly ms: number;
}
