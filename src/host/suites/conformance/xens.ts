/** Which versions of Xen a run is about, and which of them are not available. */
import path from "node:path";
import { UserError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { NotOnMirror, XEN_RELEASES, isXenRelease, type XenBinary } from "../../debian/index.js";
import type { Unavailable } from "../../report/matrix/model.js";

export interface XenChoice {
  /** As it was given: a release of Debian's, or a path. */
  text: string;
  /** The column's name. */
  label: string;
}

/** Without any choices, every release that Debian has. A file goes by its name, where only one has it. */
export function labelXens(texts: readonly string[]): XenChoice[] {
  const wanted = [...new Set(texts.length === 0 ? XEN_RELEASES : texts)];
  const names = wanted.map((text) => (isXenRelease(text) ? text : path.basename(text)));
  return wanted.map((text, at) => {
    const name = names[at] ?? text;
    const taken = names.filter((one) => one === name).length > 1;
    return { text, label: isXenRelease(text) || !(taken || isXenRelease(name)) ? name : text };
  });
}

/**
 * Gets them, one after the other: `provide` as chooseXen(). One that is not available costs
 * only itself; a file that is no Xen is bad usage, and costs all.
 */
export async function provideXens(
  choices: readonly XenChoice[],
  options: {
    provide(text: string): Promise<XenBinary>;
    /** Whether the user named these: then one that no longer exists is a failure. */
    named: boolean;
    /** One line for each that is not available. */
    say(line: string): void;
    signal?: AbortSignal;
  },
): Promise<{ xens: { label: string; xen: XenBinary }[]; unavailable: Unavailable[] }> {
  const xens: { label: string; xen: XenBinary }[] = [];
  const unavailable: Unavailable[] = [];
  for (const { text, label } of choices) {
    try {
      xens.push({ label, xen: await options.provide(text) });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof UserError) || error.exitCode !== ExitCode.HOST) throw error;
      const excused = error instanceof NotOnMirror && !options.named;
      unavailable.push({ label, reason: error.message, excused });
      options.say(`Xen ${label} is skipped: ${error.message}`);
    }
  }
  return { xens, unavailable };
}
