/**
 * What the `xenlet` command exits with.
 *
 * A guest's own code (0..255) comes through `xenlet run`, except for the few that
 * would be taken for xenlet's own: those become GUEST_CODE_RESERVED, and the
 * report of --json has the number itself. Success is never the default: 0 means
 * that the guest said `exit code=0` and powered off, or that a command did its work.
 *
 * After Ctrl-C, SIGTERM or SIGHUP, once QEMU is gone and the log is named, xenlet
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
  /** Bad usage or bad input: an unknown option, a file that is no image, a Xen that is none. */
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

/** For --help. */
export const EXIT_CODES_HELP = `
Exit codes:
  0..119, 126..255  the guest's own code (run); 0 for success (every command)
  120  the guest crashed, or ended without saying a verdict
  121  a deadline was missed
  122  trouble on this machine: QEMU, cache, disk, network
  123  bad usage or bad input
  124  the guest does not build
  125  the guest's own code was 120..125; --json tells which
Interrupted by a signal, xenlet ends by that signal (a shell shows 128 + its number).`;
