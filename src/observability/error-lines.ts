/**
 * Each line that is logged at error level, with the admin's remedy, in Markdown. The logger accepts no other line at
 * this level; docs/troubleshooting.md lists them all.
 */
export const ERROR_LINES = {
  "the homeserver does not know this registration; agents answer when it does":
    "see [the ping](#the-homeserver-does-not-reach-the-bridge), `M_UNKNOWN_TOKEN`",
  "the homeserver's ping of this application service failed": "do what its `reason` says",
  "another bridge with this registration answers there; stop one of them":
    "stop the other bridge, or give it its own registration",
  'this ghost\'s device has been deleted on the homeserver; the ghost stands still, and its mail is kept, until it is given a new one by "matrix-agents keys new-device"':
    "run `matrix-agents keys new-device AGENT`",
  "this ghost's keys in the database are older than those it has used; it gets a new device":
    "nothing, after a restore. Never run two bridges on two copies of one database",
  "this ghost's device is not signed": "run `matrix-agents keys restore AGENT` ([restore.md](operations/restore.md))",
  "nothing is said here: this ghost's device is not signed by its identity": "the same",
  "nothing is said here: an identity that was verified has changed":
    "verify the person again, or lower `encryption.trust.send` for the room",
  "the room keys of the backup could not be read":
    "run `matrix-agents keys backup`; older messages stay unread until then",
  "nothing is said here in clear":
    "the agent held back words that came encrypted: see [such a room](#a-room-counts-as-encrypted-and-is-not)",
  "event set aside: it did not finish": "see `matrix-agents mailbox`, and report the lines before this one",
  "a /sync was too large to be read, and what was sent to this device with it is lost":
    "somebody floods this agent with to-device messages: see `matrix_agents_to_device_refused_total`. People whose room keys are lost are told to send again",
  "to-device message set aside: it ended the process":
    "see `matrix-agents mailbox`, and report the lines before this one",
  "somebody has written words into the database that are not sealed; they are passed over":
    "find out who can write to the database, and delete those rows; the bridge ignores them",
  "something in the database was changed, or is damaged; it is passed over":
    "somebody wrote into the database, or the disk is failing: check both, and restore a backup ([upgrade.md](upgrade.md#restore))",
  "event could not be handled": "nothing for three attempts; then see `matrix-agents mailbox`",
  "what follows from a handled event could not be done": "read its `error` and report it: the event itself was handled",
  "the answer ended the process whenever it was sent, and is given up": "report it",
  "turn failed": "read its `error`; the person was told",
  "the answer could not be sent":
    "read its `error` for the homeserver's reason; often the agent may not talk in the room",
  "transaction over the size limit":
    "raise `appservice.max_transaction_bytes`: Synapse repeats the transaction for ever",
  "a request of the homeserver failed; it will come again": "run `doctor`; usually the database is away",
  "something tried to reach what is not configured; it was refused":
    "check for a provider's address that leads elsewhere; if you configured nothing of the kind, a library did it: report it",
  "the bridge did not stop in time and is ended; nothing is lost, what was under way goes on at the next start":
    "nothing is lost; the lines before this one say what held it up",
  "a fault that nobody caught ends the process; what was under way goes on at the next start":
    "report it with its `error`; have the process started again",
  "the homeserver lacks what agents need to encrypt": "do what its `missing` says",
  "start-up was interrupted": "read its `error`, mend that, and restart",
  "a crypto store's write failed; the store has to be opened again":
    "nothing at first, because the store is loaded again; if it comes again, check disk and database",
  "the configuration is not taken over: some of what has changed needs a restart; what was in force goes on to be":
    "correct what it names and send SIGHUP again, or restart; the old configuration stays until then",
  "the configuration is not taken over: it is wrong; what was in force goes on to be":
    "correct what it names and send SIGHUP again, or restart; the old configuration stays until then",
  "a ban list can't be read: invite the bot to it, or take it out of permissions.ban_lists; what was read of it before counts":
    "do so, or read its `error`",
  "agents could not be refreshed": "nothing, because it is tried again in a minute; its `error` says why",
  "the device could not be put away": "nothing, because it is loaded again when needed; report it if it comes again",
  "the ghost could not be put away": "the same",
  "the crypto engine could not tell its outgoing requests": "report it",
  "retry failed": "report it",
  "a part did not stop well": "nothing: it happened while stopping, and nothing is lost",
  "connections could not be ended": "the same",
  "what was asked for by monitoring could not be told": "read its `error`; usually the database is away",
} as const;

/** A line at error level. */
export type ErrorLine = keyof typeof ERROR_LINES;
