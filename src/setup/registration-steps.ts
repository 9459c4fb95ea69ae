/** The URL at which a homeserver on this machine reaches a listener on `bind`. */
export function localUrl(bind: string, port: number): string {
  if (bind === "0.0.0.0" || bind === "::") return `http://127.0.0.1:${port}`;
  return `http://${bind.includes(":") ? `[${bind}]` : bind}:${port}`;
}

/** The instructions for installing a registration file. */
export function instructions(file: string): string {
  return `Add it to Synapse's homeserver.yaml, under a path where Synapse can read it, and restart Synapse:

app_service_config_files:
  - ${JSON.stringify(file)}

That is all it needs. Optional: with these lines agents react sooner to things without a message, such as a verification:

experimental_features:
  msc2409_to_device_messages_enabled: true
  msc3202_transaction_extensions: true
`;
}
