/** Whether to write colours to a stream: only to a person at a terminal who has not asked for none (https://no-color.org). */
export function isColoured(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
}
