import type { Retryable } from "../observability/retryable.ts";

/** The device is used no more: its process stops, or its store failed and it is loaded again. */
export class DeviceClosed extends Error implements Retryable {
  override readonly name = "DeviceClosed";
  readonly retryable = true;
}
