/**
 * Progress on stderr: a spinner on a terminal, one plain
 * line for each thing done elsewhere. stdout is left to results.
 */
import type { WriteStream } from "node:tty";
import pc from "picocolors";
import { oneLine } from "./text.js";

/** Twenty modules, for those who look at a terminal. */
const ora = process.stderr.isTTY ? (await import("ora")).default : null;

/** One task at a time; `start` ends a task that is still open as done. */
export interface Progress {
  /** A task begins. */
  start(text: string): void;
  /** The open task's text changes (a percentage, a name). Plain output leaves it out. */
  update(text: string): void;
  /** The same as finished: its line stays. */
  done(text: string): void;
  /** The same as failed. */
  fail(text: string): void;
  /** A line of its own, whatever task is open. */
  note(text: string): void;
}

export interface ProgressOptions {
  /** Prints nothing at all, not even failures: those are reported as errors. */
  quiet?: boolean;
}

type Ora = typeof import("ora").default;
type Output = NodeJS.WritableStream & Partial<Pick<WriteStream, "isTTY" | "columns">>;

/** For a terminal a spinner, for anything else plain lines; nothing with `quiet`. */
export function createProgress(
  stream: Output = process.stderr,
  options: ProgressOptions = {},
): Progress {
  if (options.quiet === true) return silent;
  // A terminal without a size (script(1) without a terminal of its own, some containers) has 0
  // columns: ora would erase infinitely many lines.
  const animated =
    ora !== null &&
    stream.isTTY === true &&
    (stream.columns ?? 0) > 0 &&
    process.env["TERM"] !== "dumb" &&
    !process.env["CI"];
  return harmless(animated ? spinner(stream, ora) : plainLines(stream));
}

/** What is shown has names of files in it, and they may have anything in them. */
function harmless(progress: Progress): Progress {
  return {
    start: (text) => {
      progress.start(oneLine(text));
    },
    update: (text) => {
      progress.update(oneLine(text));
    },
    done: (text) => {
      progress.done(oneLine(text));
    },
    fail: (text) => {
      progress.fail(oneLine(text));
    },
    note: (text) => {
      progress.note(oneLine(text));
    },
  };
}

const silent: Progress = {
  start: () => undefined,
  update: () => undefined,
  done: () => undefined,
  fail: () => undefined,
  note: () => undefined,
};

function plainLines(stream: Output): Progress {
  const line = (text: string): void => void stream.write(`${text}\n`);
  return { start: line, update: () => undefined, done: line, fail: line, note: line };
}

function spinner(stream: Output, ora: Ora): Progress {
  const colors = pc.createColors(!process.env["NO_COLOR"]);
  const spin = ora({
    stream,
    color: colors.isColorSupported && "cyan",
    // Raw mode would make Ctrl-C a character and no signal: QEMU's end hangs on that signal.
    discardStdin: false,
    // A killed process cannot bring the cursor back.
    hideCursor: false,
  });
  const end = (mark: string, text: string): void => {
    spin.stopAndPersist({ symbol: mark, text });
  };
  return {
    start(text) {
      if (spin.isSpinning) end(colors.green("✔"), spin.text);
      spin.start(text);
    },
    update(text) {
      spin.text = text;
    },
    done(text) {
      end(colors.green("✔"), text);
    },
    fail(text) {
      end(colors.red("✖"), text);
    },
    note(text) {
      const open = spin.isSpinning ? spin.text : null;
      if (open !== null) spin.stop();
      stream.write(`${text}\n`);
      if (open !== null) spin.start(open);
    },
  };
}
