// A running domain with what serves it: its console, its store, and what is done when it shuts down. What xl, its
// daemons and its monitoring loop are to a domain, in one place.

import { evtchn } from "xenlet/internal/events/evtchn";
import { after } from "xenlet/internal/loop/timers";
import { DomainConfig, buildDomain } from "./builder";
import { ConsoleBackend } from "./console-backend";
import { Domain } from "./domain";
import { mapFrame, unmapFrame } from "./foreign-frames";
import { Image } from "./image";
import { CONSOLE_GFN, STORE_GFN } from "./memory-map";
import { Channels, connect } from "./ports";
import { passOnLine } from "./report";
import { Store } from "./store";
import { DomainEntry, removeDomain, rewriteDomain, snapshotOf, writeDomain } from "./store/domain";
import { Snapshot } from "./store/snapshot";
import { wallClock } from "xenlet/internal/time/time";

/** What the store shall say of a domain. */
function entryOf(domid: u16, config: DomainConfig): DomainEntry {
  const entry = new DomainEntry(domid);
  entry.name = "guest-" + domid.toString();
  entry.uuid = "00000000-0000-0000-0000-" + domid.toString().padStart(12, "0");
  entry.memoryTarget = entry.memoryMax = (<u64>config.memoryMiB) << 10;
  entry.vcpus = config.kind.vcpus;
  entry.storeFrame = STORE_GFN;
  entry.consoleFrame = CONSOLE_GFN;
  entry.startTime = wallClock() / 1_000_000_000;
  return entry;
}

/** A domain with its console and its store, from its making to its end. */
export class Guest {
  readonly domain: Domain;
  readonly console: ConsoleBackend;
  /** Where the store's ring is mapped. */
  readonly storeRing: usize;
  private channels: Channels;
  private entry: DomainEntry;
  /** What the store has of the domain, but for the ports. */
  private written: Snapshot | null = null;

  /** Builds the domain, connected and paused. Without a `store` there is no answer on the store's ring. */
  constructor(
    config: DomainConfig,
    image: Image,
    private store: Store | null = null,
  ) {
    const domain = buildDomain(config, image);
    this.domain = domain;
    const channels = connect(domain.id, null);
    this.channels = channels;
    this.entry = entryOf(domain.id, config);
    this.storeRing = mapFrame(domain.id, STORE_GFN);
    this.console = new ConsoleBackend(
      mapFrame(domain.id, CONSOLE_GFN),
      channels.console.local,
      domain.id,
      passOnLine,
    );
    this.serveConsole();
    this.serveStore();
  }

  /** What the store has of the domain is as new each time, as it is by libxl around a soft reset. */
  private serveStore(): void {
    const store = this.store;
    if (!store) return;
    this.entry.storePort = this.channels.store.offered;
    this.entry.consolePort = this.channels.console.offered;
    const written = this.written;
    if (written) {
      rewriteDomain(store, this.entry, written);
    } else {
      writeDomain(store, this.entry);
      this.written = snapshotOf(store, this.entry);
    }
    /* Its ring is empty from here on, and the domain does not run. */
    store.introduce(this.domain.id, this.storeRing, this.channels.store.local);
    evtchn.on(this.channels.store.local, this, (guest: Guest, port: u32) => {
      guest.answer();
    });
  }

  /** A domain that asks faster than it is answered gets its turn again when the others have had theirs. */
  private answer(): void {
    if (!this.store!.serve(this.domain.id)) return;
    after<Guest>(0, this, (guest: Guest) => {
      guest.answer();
    });
  }

  private serveConsole(): void {
    evtchn.on(this.console.port, this.console, (console: ConsoleBackend, port: u32) => {
      console.drain();
    });
    this.console.drain();
  }

  /**
   * What a toolstack does for a domain that asked for a soft reset: pauses it, lets Xen clean it, offers it the
   * store's and the console's event channels again, and resumes it. Returns 0, or Xen's errno: then the domain is left
   * as Xen left it, paused. `cleaned` is called in between: Xen has cleaned the domain, and nothing is offered again yet.
   */
  softReset(cleaned: ((guest: Guest) => void) | null = null): i64 {
    /* Xen wants the pause, beside the shutdown: evtchn_reset() is for a domain that another domain has paused. */
    const paused = this.domain.pause();
    if (paused < 0) return paused;
    const result = this.domain.softReset();
    if (result < 0) return result;
    if (cleaned) cleaned(this);
    this.reconnect();
    return this.domain.unpause();
  }

  /** Offers new event channels in place of those that a reset closed. */
  reconnect(): Channels {
    const channels = connect(this.domain.id, this.channels);
    this.channels = channels;
    this.console.port = channels.console.local;
    this.serveConsole();
    this.serveStore();
    return channels;
  }

  /** Takes the last of what the domain wrote, whether its line has ended or not. */
  finishConsole(): void {
    this.console.finish();
  }

  /** Destroys the domain, and gives back what serves it. Xen's errno, or 0. */
  destroy(): i64 {
    this.finishConsole();
    const store = this.store;
    if (store) {
      removeDomain(store, this.domain.id);
      store.release(this.domain.id);
    }
    evtchn.close(this.channels.store.local);
    evtchn.close(this.console.port);
    unmapFrame(this.storeRing);
    unmapFrame(this.console.page);
    return this.domain.destroy();
  }
}
