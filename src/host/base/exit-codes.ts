/**
 * What the `xenlet` command exits with.
 *
 * A guest's own code (0..255) comes through `xenlet run`, except for the few that
 * would be taken for xenlet's own: those become GUEST_CODE_RESERVED, and the
 * report of --json has the number itself. Success is never the default: 0 means
 * that the guest said `exit code=0` and powered off, or that a command did its work.
 *
 * After Ctrl-C, SIGTERM or SIGHUP, once QEMU has exited and the log is named, xenlet
 * ends itself by the same signal: a shell then stops its loop as it should, and
 * reports 130, 143 or 129. Likewise 141 (SIGPIPE) when the reader of stdout left.
 */
export const ExitCode = {
  OK: 0,
  /** The domain crashed, trapped or aborted, ended without a verdict, or Xen itself panicked. */
  CRASH: 120,
  /** A stage missed its deadline. */
  TIMEOUT: 121,
  /** QEMU, the cache, the disk or the network: nothing the guest did. */
  HOST: 122,
  /** Bad usage or bad input: an unknown option, a file that is not an image, or not a Xen. */
  USAGE: 123,
  /** The guest's sources do not compile or link. */
  BUILD_FAILED: 124,
  /** The guest's own code was 120..125. */
  GUEST_CODE_RESERVED: 125,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A guest's code (0..255) as `xenlet run` exits with it. */
export function exitCodeOfGuest(code: number): number {
  const reserved = code >= ExitCode.CRASH && code <= ExitCode.GUEST_CODE_RESERVED;
  return reserved ? ExitCode.GUEST_CODE_RESERVED : code;
}

/** What each code means, wherever it is listed. A guest's own code stands for 0..119 and 126..255. */
const MEANINGS = {
  ok: ["0", "done"],
  guest: ["0..119, 126..255", "the guest's own exit code"],
  [ExitCode.CRASH]: ["120", "the guest crashed, or exited without reporting a result"],
  [ExitCode.TIMEOUT]: ["121", "a deadline was missed"],
  [ExitCode.HOST]: ["122", "trouble on this machine: QEMU, cache, disk, network"],
  [ExitCode.USAGE]: ["123", "bad usage or bad input"],
  [ExitCode.BUILD_FAILED]: ["124", "the guest failed to build"],
  [ExitCode.GUEST_CODE_RESERVED]: ["125", "the guest's own code was 120..125; --json has it"],
} as const;

/** Other programs have the same numbers. `command`: what a bisection is run with. */
const sharedBy = (
  command: string,
): string => `124 is also what timeout(1) exits with (--timeout does without it), and 125
makes \`git bisect run\` skip:
  git bisect run sh -c '${command}; case $? in 0) exit 0;;
    122|124) exit 125;; *) exit 1;; esac'`;

const SIGNALS =
  "Interrupted by a signal, xenlet ends by that signal (a shell shows 128 + its\nnumber).";

const RUN = "xenlet run FILE.ts";

/** A command's codes, for its --help. `own`: what a code means for this command; `command`: as one would bisect with it. */
export function exitCodesHelp(
  codes: readonly (keyof typeof MEANINGS)[],
  own: Partial<Record<keyof typeof MEANINGS, string>> = {},
  command = RUN,
): string {
  const rows = codes.map((code) => {
    const [number, meaning] = MEANINGS[code];
    return [number, own[code] ?? meaning] as const;
  });
  const width = Math.max(...rows.map(([number]) => number.length));
  const table = rows.map(([number, meaning]) => `  ${number.padEnd(width)}  ${meaning}`);
  return exitCodesText(table.join("\n"), command);
}

/** The same for a command that lists its own. */
export function exitCodesText(table: string, command = RUN): string {
  const shared = /^ *12[45]\b/m.test(table);
  return ["\nExit codes:", table, SIGNALS, ...(shared ? [sharedBy(command)] : [])].join("\n");
}

/** Of `xenlet --help`: all of them. */
export const EXIT_CODES_HELP = exitCodesHelp(["guest", 120, 121, 122, 123, 124, 125], {
  guest: "run: the guest's own exit code; every command: 0 for success",
});
