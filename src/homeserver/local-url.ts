/** The URL at which a process on this machine, such as a homeserver, reaches a listener. */
export function localUrl({ bind, port }: { readonly bind: string; readonly port: number }): string {
  if (bind === "0.0.0.0" || bind === "::") return `http://127.0.0.1:${port}`;
  return `http://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}
