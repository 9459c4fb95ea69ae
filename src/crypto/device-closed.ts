import type { Retryable } from "../observability/retryable.ts";

/** The device is closed: its process stops, or its store failed and will be loaded again. */
export class DeviceClosed extends Error implements Retryable {
  override readonly name = "DeviceClosed";
  readonly retryable = true;
}
