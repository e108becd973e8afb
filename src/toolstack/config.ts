// The toolstack's command line: `key=value` for itself, and behind ` -- ` the domain's own.

import { commandLine } from "xenlet/start_info";
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

export class Config {
  onSoftReset: OnSoftReset = OnSoftReset.SOFT_RESET;
  domain: DomainConfig = new DomainConfig();

  constructor() {
    const words = commandLine();
    const at = words.indexOf(SEPARATOR);
    if (at >= 0) this.domain.commandLine = words.substring(at + SEPARATOR.length);
    const own = (at < 0 ? words : words.substring(0, at)).split(" ");
    for (let i = 0; i < own.length; i++) {
      const equals = own[i].indexOf("=");
      if (equals > 0) this.take(own[i].substring(0, equals), own[i].substring(equals + 1));
    }
  }

  private take(key: string, value: string): void {
    if (key == "memory") this.domain.memoryMiB = <u32>parseInt(value);
    else if (key == "vcpus") this.domain.kind.vcpus = <u32>parseInt(value);
    else if (key == "on_soft_reset") this.onSoftReset = onSoftReset(value);
    else if (key != "nonce") throw new Error("the toolstack does not know the option " + key);
  }
}

function onSoftReset(value: string): OnSoftReset {
  if (value == "soft-reset") return OnSoftReset.SOFT_RESET;
  if (value == "resume") return OnSoftReset.RESUME;
  if (value == "destroy") return OnSoftReset.DESTROY;
  throw new Error("on_soft_reset=" + value + ": expected soft-reset, resume or destroy");
}
