/**
 * Each kind of error that ends a command, by the name of its class: the exit code, its words (`…` varies), and the
 * remedy, in Markdown. docs/troubleshooting.md lists them all.
 */
export const OPERATOR_ERRORS = {
  ConfigError: {
    exitCode: 2,
    cases: [
      {
        says: ["… has a mistake:…", "… has … mistakes:…"],
        mend: "Correct the settings: each line names one, what was found and what is expected.",
      },
    ],
  },
  UsageError: {
    exitCode: 2,
    cases: [
      {
        says: ["…"],
        mend: "The command line is wrong where a second line begins with `Help:`; the command in it shows what is possible.",
      },
    ],
  },
  Unanswered: {
    exitCode: 2,
    cases: [
      {
        says: ["the questions were not all answered; nothing was changed", "no … was given; nothing was changed"],
        mend: "Run the command again, or answer its questions by options.",
      },
    ],
  },
  InsecureFiles: {
    exitCode: 2,
    cases: [
      {
        says: ["secrets are not safe from other users of this machine …"],
        mend: "Run the command at the end of each line. If you can't: `--insecure-permissions`.",
      },
    ],
  },
  StartFailure: {
    exitCode: 1,
    cases: [
      {
        says: ["… can't be used: …"],
        mend: "The reason stands behind the colon. Start PostgreSQL, or correct `database.url`. A command that asked a bridge which has stopped meanwhile can be run again.",
      },
      {
        says: ["appservice.port: another program listens on port …"],
        mend: "Is the bridge running already? If not, choose another port with `matrix-agents init --port`, and give the homeserver the changed registration.",
      },
      {
        says: ["appservice.bind: this machine has no address …"],
        mend: "Correct `appservice.bind`; use `127.0.0.1` if the homeserver is on the same machine.",
      },
      {
        says: ["appservice.port: this user may not listen on port …"],
        mend: "Choose a port from 1024 on with `matrix-agents init --port`.",
      },
      {
        says: ["the bridge is running already…"],
        mend: "Stop it before you start it again. `matrix-agents health` and `doctor` ask the one that runs. Several processes on PostgreSQL need a port each.",
      },
      {
        says: ["the homeserver does not reach the bridge yet: …"],
        mend: "Do what follows the colon, and run `init` again. Where nobody can be asked (`--yes`, or no terminal) `init` looks once; `--no-wait` leaves it out.",
      },
    ],
  },
  CommandFailure: {
    exitCode: 1,
    cases: [
      {
        says: ["the homeserver can't be reached: …", "the homeserver refuses: …", "the homeserver answers: …"],
        mend: "Start the homeserver, or correct `homeserver.url`; `matrix-agents doctor` looks closer.",
      },
      {
        says: ["the database does not do it: …"],
        mend: "Do what follows the colon; `matrix-agents doctor` looks closer.",
      },
    ],
  },
  FileFault: {
    exitCode: 1,
    cases: [
      {
        says: ["… can't be used: …", "… can't be read: …", "… can't be written: …"],
        mend: "Do what follows the colon: who may not use the file and whose it is, or that the disk is full or read-only, or that the path leads elsewhere.",
      },
    ],
  },
  DatabaseRefusal: {
    exitCode: 1,
    cases: [
      {
        says: ["there is no database in … yet…"],
        mend: "Start the bridge once: it makes the database, and a command only uses it.",
      },
      {
        says: ["the database is of an earlier version of matrix-agents…"],
        mend: "Start this version once, which brings the database up to date, or run the command of the earlier version.",
      },
      {
        says: ["the database in … belongs to …", "… in the database's folder belongs to …"],
        mend: "Run the command as the user who owns the data, as it says: as another one it would leave files there that the bridge can't use. Where a command was run as root before, give the files back by the `chown` that it says.",
      },
      {
        says: ["the files of the database in … can't be opened…"],
        mend: "They are damaged, or no database of this version's kind. Put the folder aside, as it says, and restore a backup ([upgrade.md](upgrade.md#restore)). Without one, see [restore.md](operations/restore.md#the-database-is-lost).",
      },
      {
        says: ["… stop the other processes first"],
        mend: "Stop all processes of the old version, because the new one changes what they use. See [upgrade.md](upgrade.md#upgrade).",
      },
      {
        says: ["the database has been used by a newer version of matrix-agents…"],
        mend: "Run that version, or see [upgrade.md](upgrade.md#downgrade).",
      },
      { says: ["a backup is being restored…"], mend: "Start again when `restore` has ended." },
    ],
  },
  UnsealedRows: {
    exitCode: 2,
    cases: [
      {
        says: ["the database holds words that are not sealed …"],
        mend: "After an upgrade from a version that sealed no words, run `matrix-agents keys seal-existing`. Otherwise somebody has written into the database: find out who can, and delete those rows.",
      },
    ],
  },
  DatabaseInUse: {
    exitCode: 1,
    cases: [
      {
        says: ["another matrix-agents process …", "could not claim …"],
        mend: "`start`, `restore` and `keys rotate-master` need the embedded database to themselves: stop the bridge that runs on it. Other commands ask the bridge; one that does not take them for a minute is still starting, or says why in its log.",
      },
    ],
  },
  MasterKeyError: {
    exitCode: 2,
    cases: [
      {
        says: ["… with the master key is missing…"],
        mend: "Put it back from your backup. The bridge makes no new key for a database that needs the old one, and overwrites nothing.",
      },
      {
        says: ["… holds another master key than the one this database was made with"],
        mend: "The same, or the database is not the one you think. Without the right key see [restore.md](operations/restore.md).",
      },
      { says: ["… must hold the master key as 64 hexadecimal digits"], mend: "Put it back from your backup." },
      {
        says: ["the master key was changed …", "the master key has been changed …"],
        mend: "Run the same command again.",
      },
      {
        says: ["the database does not know its master key any more"],
        mend: "Somebody has deleted rows of `settings`: restore a backup ([upgrade.md](upgrade.md#restore)).",
      },
      { says: ["this database has no master key yet…"], mend: "Start the bridge once." },
      { says: ["the new master key is the present one"], mend: "Give another key." },
    ],
  },
  ListenerFailure: {
    exitCode: 1,
    cases: [
      {
        says: ["monitoring.port: …", "monitoring.bind: …", "monitoring: …"],
        mend: "Choose another `monitoring.port`; each process on a machine needs its own.",
      },
      {
        says: ["web.port: …", "web.bind: …", "web: …"],
        mend: "Choose another `web.port`; each process on a machine needs its own.",
      },
    ],
  },
  NoHomeserver: {
    exitCode: 1,
    cases: [
      {
        says: [
          "nothing listens at …",
          "there is no host …",
          "the name … can't be looked up now…",
          "there is no way to …",
          "… does not answer…",
          "… takes the connection, but gives no answer…",
          "… can't be asked …",
          "… hangs up…",
          "… speaks TLS…",
          "… speaks no …",
          "… refuses the TLS connection …",
          "the certificate of … is …",
          "the certificate of … has expired…",
          "… redirects to …",
          "the server at … is no homeserver…",
          "the server at … answers other homeservers, and no clients…",
          "the server at … is an identity server…",
          "the server at … says that it was asked too often …",
        ],
        mend: "Do what follows the colon: `homeserver.url` has to be the address of the homeserver's client-server API.",
      },
    ],
  },
  NoOllama: {
    exitCode: 1,
    cases: [
      {
        says: ["No Ollama answers at …", "No Ollama, but something else answers at …"],
        mend: "Start the Ollama that `init --ollama` names, or correct the address. Without the option the demo agent is the only one until you name an Ollama.",
      },
    ],
  },
  NotWritten: {
    exitCode: 1,
    cases: [
      {
        says: ["… exists already and is left as it is…"],
        mend: "`init` changes single settings of existing files; `generate-registration --force` makes new tokens, which the homeserver then needs.",
      },
      { says: ["… is left as it is: …"], mend: "Run it as the file's owner, or as root." },
    ],
  },
  RecoveryKeyError: {
    exitCode: 2,
    cases: [
      {
        says: ["this is no recovery key: …", "the recovery key has a mistake in it…"],
        mend: "Compare it again: about 48 letters and digits, beginning with E.",
      },
    ],
  },
  KeysNotFound: {
    exitCode: 1,
    cases: [
      {
        says: ["this recovery key does not open …", "… has no backup of room keys …"],
        mend: "The key is another agent's, or the homeserver has no backup: `matrix-agents keys backup` tells.",
      },
    ],
  },
  BackupError: {
    exitCode: 1,
    cases: [
      {
        says: ["… can't be opened: …", "the backup is not whole", "… is no backup of matrix-agents"],
        mend: "Check that the file is whole and that the master key is the one it was made with. See [upgrade.md](upgrade.md#restore).",
      },
      {
        says: ["… is a backup in format …", "the backup was made by version …"],
        mend: "Restore it with that version, or a later one.",
      },
      {
        says: ["… exists already; a backup replaces no file", "… can't be written: …", "… can't be read: …"],
        mend: "Give another file, or let the user who runs the command write or read it.",
      },
      {
        says: ["the database is not empty …", "a bridge is running on this database…"],
        mend: "`restore` fills an empty database that nothing runs on; `--force` gives up what is in it.",
      },
      {
        says: ["the devices of these agents have been used since the backup was made…"],
        mend: "Add `--new-devices`: the agents' keys must not go back in time.",
      },
    ],
  },
} as const satisfies Record<string, OperatorErrorKind>;

/** The entry of one kind. */
export interface OperatorErrorKind {
  readonly exitCode: 1 | 2;
  readonly cases: readonly { readonly says: readonly string[]; readonly mend: string }[];
}

type Kinds = typeof OPERATOR_ERRORS;

/** The type of `…` in an error's words. */
type Pattern<Says> = Says extends `${infer Before}…${infer After}` ? `${Before}${string}${Pattern<After>}` : Says;

/** The words that an error of a kind may have: the compiler accepts no others. */
export type Saying<Name extends keyof Kinds> = Pattern<Kinds[Name]["cases"][number]["says"][number]>;

/** An error for the person who runs the command: it ends the command, and is printed without its stack. */
export abstract class OperatorError<Name extends keyof Kinds> extends Error {
  abstract override readonly name: Name;

  // eslint-disable-next-line @typescript-eslint/no-useless-constructor -- it narrows what an error may say
  constructor(message: Saying<Name>, options?: ErrorOptions) {
    super(message, options);
  }

  get exitCode(): number {
    return OPERATOR_ERRORS[this.name].exitCode;
  }
}
