// The words of the toolstack's job: `key=value` for itself, and behind ` -- ` the domain's own.

import { MAX_MADT_VCPUS } from "./acpi";
import { DomainConfig } from "./builder";

/** What is done with a domain that shuts down with SHUTDOWN_soft_reset: xl.cfg's on_soft_reset, and two for tests. */
export enum OnSoftReset {
  /** The soft reset. */
  SOFT_RESET,
  /** XEN_DOMCTL_resumedomain alone: a toolstack that forgot the reset. */
  RESUME,
  /** A toolstack that does not know the reason destroys the domain. */
  DESTROY,
}

const SEPARATOR = " -- ";
/** In MiB. A guest of less has no room for its stacks and tables beside its image. */
const MIN_MEMORY: u32 = 8;
/** What Xen can give a domain is found out when it is asked. */
const MAX_MEMORY: u32 = 1 << 20;

/** What a toolstack's command line asks for: `word=value`, and the guest's own line after `--`. A slip ends the toolstack. */
export class Config {
  onSoftReset: OnSoftReset = OnSoftReset.SOFT_RESET;
  /** Whether it says what Xen has of the domain right before and right after a soft reset. */
  tellState: bool = false;
  /** Whether a domain that has ended is kept, and not destroyed: its core is taken from outside the machine. */
  hold: bool = false;
  domain: DomainConfig = new DomainConfig();

  /** Ends the toolstack at the first word that it does not know. */
  constructor(text: string) {
    const words = " " + text;
    const at = words.indexOf(SEPARATOR);
    const own = at < 0 ? words : words.substring(0, at);
    if (at >= 0) this.domain.commandLine = words.substring(at + SEPARATOR.length);
    const pairs = own.split(" ");
    for (let i = 0; i < pairs.length; i++) if (pairs[i].length > 0) this.take(pairs[i]);
  }

  private take(word: string): void {
    const equals = word.indexOf("=");
    const key = equals < 0 ? word : word.substring(0, equals);
    const value = equals < 0 ? "" : word.substring(equals + 1);
    if (key == "memory") this.domain.memoryMiB = wholeNumber(key, value, MIN_MEMORY, MAX_MEMORY);
    else if (key == "vcpus") this.domain.kind.vcpus = wholeNumber(key, value, 1, MAX_MADT_VCPUS);
    else if (key == "on_soft_reset") this.onSoftReset = onSoftReset(value);
    else if (key == "state") this.tellState = wholeNumber(key, value, 0, 1) == 1;
    else if (key == "hold") this.hold = wholeNumber(key, value, 0, 1) == 1;
    else if (key != "nonce")
      throw new Error(
        'the toolstack has no option "' +
          key +
          '": expected memory=, vcpus=, on_soft_reset=, state=, hold= or nonce=',
      );
  }
}

function wholeNumber(key: string, text: string, least: u32, most: u32): u32 {
  let value: u64 = 0;
  let wrong = text.length == 0 || text.length > 9;
  for (let i = 0; i < text.length && !wrong; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    wrong = digit < 0 || digit > 9;
    value = value * 10 + digit;
  }
  if (wrong || value < least || value > most)
    throw new Error(
      key + "=" + text + ": expected a whole number of " + least.toString() + " to " + most.toString(),
    );
  return <u32>value;
}

function onSoftReset(value: string): OnSoftReset {
  if (value == "soft-reset") return OnSoftReset.SOFT_RESET;
  if (value == "resume") return OnSoftReset.RESUME;
  if (value == "destroy") return OnSoftReset.DESTROY;
  throw new Error("on_soft_reset=" + value + ": expected soft-reset, resume or destroy");
}
