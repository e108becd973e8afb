// A running domain with what serves it: its console, its store, and what is done when it shuts down. What xl, its
// daemons and its monitoring loop are to a domain, in one place.

import { HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_STORE_EVTCHN } from "xenlet/abi/hvm";
import { evtchn } from "xenlet/evtchn";
import { checked } from "xenlet/hypercall";
import { DomainConfig, OfferedPorts, buildDomain, offerPorts } from "./builder";
import { ConsoleBackend } from "./console-backend";
import { Domain } from "./domain";
import { mapFrame, unmapFrame } from "./foreign";
import { Image } from "./image";
import { CONSOLE_GFN, STORE_GFN } from "./memory-map";
import { passOnLine } from "./report";

/** Our end of a port that the domain has been given. */
function bind(domain: Domain, port: u32): u32 {
  return <u32>checked("EVTCHNOP_bind_interdomain", evtchn.bindInterdomain(domain.id, port));
}

export class Guest {
  readonly domain: Domain;
  readonly console: ConsoleBackend;
  /** Where the store's ring is mapped, and our end of its event channel. */
  readonly storeRing: usize;
  storePort: u32;

  /** Builds the domain, connected and paused. */
  constructor(config: DomainConfig, image: Image) {
    const domain = buildDomain(config, image);
    this.domain = domain;
    const ports = offerPorts(domain);
    this.storeRing = mapFrame(domain.id, STORE_GFN);
    this.storePort = bind(domain, ports.store);
    this.console = new ConsoleBackend(
      mapFrame(domain.id, CONSOLE_GFN),
      bind(domain, ports.console),
      domain.id,
      passOnLine,
    );
    this.serveConsole();
  }

  private serveConsole(): void {
    evtchn.on(this.console.port, this.console, (console: ConsoleBackend, port: u32) => {
      console.drain();
    });
  }

  /**
   * What a toolstack does for a domain that asked for a soft reset: pauses it, lets Xen clean it, offers it the
   * store's and the console's event channels again, and lets it go on. Returns 0, or Xen's errno: then the domain is left
   * as Xen left it, paused.
   */
  softReset(): i64 {
    /* Xen wants the pause, beside the shutdown: evtchn_reset() is for a domain that somebody else holds still. */
    const paused = this.domain.pause();
    if (paused < 0) return paused;
    const result = this.domain.softReset();
    if (result < 0) return result;
    this.reconnect();
    return this.domain.unpause();
  }

  /** Offers new event channels in place of those that a reset closed. */
  reconnect(): OfferedPorts {
    /* Ours are unbound now, waiting for a domain that no longer knows them. */
    evtchn.close(this.storePort);
    evtchn.close(this.console.port);
    const ports = offerPorts(this.domain);
    this.storePort = bind(this.domain, ports.store);
    this.console.port = bind(this.domain, ports.console);
    this.serveConsole();
    return ports;
  }

  /** Takes the last of what the domain wrote, whether its line has ended or not. */
  finishConsole(): void {
    this.console.finish();
  }

  /** Destroys the domain, and gives back what serves it. Xen's errno, or 0. */
  destroy(): i64 {
    this.finishConsole();
    evtchn.close(this.storePort);
    evtchn.close(this.console.port);
    unmapFrame(this.storeRing);
    unmapFrame(this.console.page);
    return this.domain.destroy();
  }
}
