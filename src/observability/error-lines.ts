/**
 * Each line that is logged at error level, with the admin's remedy, in Markdown. The logger accepts no other line at
 * this level; docs/troubleshooting.md lists them all.
 */
export const ERROR_LINES = {
  "the homeserver does not know this registration; agents answer once it does":
    "see [the ping](#the-homeserver-does-not-reach-the-bridge), `M_UNKNOWN_TOKEN`",
  "the homeserver's ping of this application service failed": "do what its `reason` says",
  "another bridge with this registration answers there; stop one of them":
    "stop the other bridge, or give it its own registration",
  'this ghost\'s device has been deleted on the homeserver; the ghost is halted and its mail kept until it gets a new one by "matrix-agents keys new-device"':
    "run `matrix-agents keys new-device AGENT`",
  "this ghost's keys in the database are older than those it has used; it gets a new device":
    "nothing, after a restore. Never run two bridges on two copies of one database",
  "the homeserver does not answer":
    "nothing, while it restarts; otherwise start it. A line says when it is back, and what was said meanwhile is searched for",
  "the database does not answer": "nothing, while it restarts; otherwise start it. A line says when it is back",
  "this agent's user is somebody's account":
    "do what its `reason` says: see [somebody's account](#an-agents-user-is-somebodys-account)",
  "this ghost's device is not signed": "run `matrix-agents keys restore AGENT` ([restore.md](operations/restore.md))",
  "the agent is silent here: its device is not signed by its identity": "the same",
  "the agent is silent here: a verified identity has changed":
    "verify the person again, or lower `encryption.trust.send` for the room",
  "the room keys of the backup could not be read":
    "run `matrix-agents keys backup`; older messages stay unread until then",
  "the agent refuses to send here unencrypted":
    "the agent held back words that came encrypted: see [such a room](#a-room-counts-as-encrypted-and-is-not)",
  "event set aside: it did not finish": "see `matrix-agents mailbox`, and report the lines before this one",
  "a /sync was too large to be read, so the messages in it are lost":
    "somebody floods this agent with to-device messages: see `matrix_agents_to_device_refused_total`. People whose room keys are lost are told to send again",
  "to-device message set aside: it ended the process":
    "see `matrix-agents mailbox`, and report the lines before this one",
  "somebody has written unsealed words into the database; they are ignored":
    "find out who can write to the database, and delete those rows; the bridge ignores them",
  "a sealed text in the database was changed or damaged; it is ignored":
    "somebody wrote into the database, or the disk is failing: check both, and restore a backup ([upgrade.md](upgrade.md#restore))",
  "event could not be handled": "nothing for three attempts; then see `matrix-agents mailbox`",
  "the work after a handled event failed": "read its `error` and report it: the event itself was handled",
  "the answer ended the process at every attempt to send it, and is given up": "report it",
  "turn failed": "read its `error`; the person was told",
  "the answer could not be sent":
    "read its `error` for the homeserver's reason; often the agent may not talk in the room",
  "a transaction exceeds the size limit":
    "raise `appservice.max_transaction_bytes`: Synapse repeats the transaction for ever",
  "a request of the homeserver failed; it will come again": "run `doctor`; usually the database is away",
  "a connection to something that is not configured was refused":
    "check for a provider's address that leads elsewhere; if you configured nothing of the kind, a library did it: report it",
  "the bridge did not stop in time and is ended; nothing is lost, the next start continues its work":
    "nothing is lost; the lines before this one say what held it up",
  "an uncaught fault ends the process; the next start continues its work":
    "report it with its `error`; have the process started again",
  "the homeserver gives application services no devices: agents answer only in rooms that are not encrypted":
    "see [which homeservers](homeservers.md) let agents encrypt; its `reason` has the homeserver's words",
  "start-up was interrupted": "read its `error`, mend that, and restart",
  "a crypto store's write failed; the store must be opened again":
    "nothing at first, because the store is loaded again; if it comes again, check disk and database",
  "the new configuration is not applied: some of its changes need a restart; the old one stays in force":
    "correct what it names and reload again, or restart; the old configuration stays until then",
  "the new configuration could not be applied; the old one stays in force":
    "read its `error`, and report it; a restart takes the new configuration",
  "the new configuration is not applied: it has mistakes; the old one stays in force":
    "correct what it names and reload again, or restart; the old configuration stays until then",
  "a ban list can't be read: invite the bot to it, or take it out of permissions.ban_lists; its last reading still counts":
    "do so, or read its `error`",
  "agents could not be refreshed": "nothing, because it is tried again in a minute; its `error` says why",
  "the device could not be unloaded": "nothing, because it is loaded again when needed; report it if it comes again",
  "the ghost could not be unloaded": "the same",
  "the crypto engine could not list its outgoing requests": "report it",
  "the crypto engine's requests could not be repeated": "report it",
  "a part of the bridge failed to stop": "nothing: it happened while stopping, and nothing is lost",
  "connections could not be closed": "the same",
  "a request of the page failed": "read its `error`, and report it",
  "a request of monitoring failed": "read its `error`; usually the database is away",
} as const;

/** A line at error level. */
export type ErrorLine = keyof typeof ERROR_LINES;
