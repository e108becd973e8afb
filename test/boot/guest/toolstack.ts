// Domains made by a dom0 program of one's own, with the toolstack as its library: what `xenlet run` never needs, since
// it makes one domain and ends. The boot module is test/boot/guest/domu.ts. Fails if a domain leaves something behind, if
// domains share what is one's own, or if an operation does not answer as Xen's headers say.

import { checked, evtchn, sched, systemTime, waitForEvents } from "xenlet";
import { expect, group, test } from "xenlet/test";
import { SHUTDOWN_crash, SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_suspend } from "xenlet/raw/abi/sched";
import { VIRQ_DOM_EXC } from "xenlet/raw/abi/xen";
import { EINVAL, ESRCH } from "xenlet/raw/errno";
import { Domain, DomainConfig, Guest, guestFiles, Image, onConsoleLine, Store } from "xenlet/toolstack";
import { freePages, mapFrame, unmapFrame } from "xenlet/raw/toolstack";

const MS: u64 = 1_000_000;
/** Some frame of a domain's RAM. */
const RAM_GFN: u64 = 0x10;

/** What domains wrote, a line each: `<domid>: <line>`. */
let said: string[] = [];
onConsoleLine((domid: u16, line: string) => {
  said.push(domid.toString() + ": " + line);
});

/* Ends waitForEvents(). */
const exceptions = <u32>checked("VIRQ_DOM_EXC", evtchn.bindVirq(VIRQ_DOM_EXC));
evtchn.unmask(exceptions);

const image = new Image(guestFiles()[0]);

function create(what: string, vcpus: u32 = 1, store: Store | null = null): Guest {
  const config = new DomainConfig();
  config.memoryMiB = 8 + 4 * vcpus;
  config.kind.vcpus = vcpus;
  config.commandLine = "do=" + what;
  return new Guest(config, image, store);
}

function saidBy(guest: Guest, line: string): bool {
  return said.includes(guest.domain.id.toString() + ": " + line);
}

/** Serves all domains until that one shuts down, or `ms` have passed; its reason, 255 if it runs. */
function reasonOf(guest: Guest, ms: u64 = 5000): u32 {
  const deadline = systemTime() + ms * MS;
  while (!guest.domain.info().isShutdown && systemTime() < deadline) waitForEvents(deadline);
  guest.finishConsole();
  return guest.domain.info().reason;
}

function destroyAll(guests: Guest[]): void {
  for (let i = 0; i < guests.length; i++) guests[i].destroy();
}

/** Xen takes a destroyed domain apart a little later. */
function gone(domain: Domain, ms: u64 = 2000): bool {
  const deadline = systemTime() + ms * MS;
  while (domain.info().result != -ESRCH) {
    if (systemTime() >= deadline) return false;
    sched.poll([], systemTime() + MS);
  }
  return true;
}

/** Free pages, once there are `expected`, or after a while. Of a domain that is -ESRCH Xen gives back the last by RCU. */
function freePagesOnce(expected: i64, ms: u64 = 2000): i64 {
  const deadline = systemTime() + ms * MS;
  while (freePages() != expected && systemTime() < deadline) sched.poll([], systemTime() + MS);
  return freePages();
}

group("fifty domains, one after the other", () => {
  test("leave nothing behind", () => {
    let none: i64 = 0;
    let free: i64 = 0;
    let port: u32 = 0;
    let id: u16 = 0;
    for (let i = 0; i < 50; i++) {
      const guest = create("nothing");
      /* The first ones make what stays: our page tables, Xen's own pools. */
      if (i == 5) {
        free = freePages();
        port = guest.console.port;
        id = guest.domain.id;
      } else if (i > 5) {
        expect(freePages(), "pages free once domain is built").toBe(free);
        expect(guest.console.port, "our port to its console").toBe(port);
        expect(guest.domain.id, "its id").toBe(id + <u16>(i - 5));
      }
      guest.domain.unpause();
      expect(reasonOf(guest), "its reason").toBe(SHUTDOWN_poweroff);
      expect(guest.destroy(), "destroydomain").toBe(0);
      expect(gone(guest.domain), "it is gone").toBeTrue();
      if (i == 4) {
        sched.poll([], systemTime() + 100 * MS);
        none = freePages();
      } else if (i > 4) {
        /* Before the next: what is not free yet would make Xen's pools grow for it. */
        expect(freePagesOnce(none), "pages free once it is gone").toBe(none);
      }
    }
  });
});

group("four domains at once", () => {
  test("of one to four vCPUs, each with its own", () => {
    const guests: Guest[] = [];
    for (let n: u32 = 1; n <= 4; n++) guests.push(create("vcpus vcpus=" + n.toString(), n));
    for (let i = 0; i < 4; i++) guests[i].domain.unpause();
    for (let i = 0; i < 4; i++) {
      expect(reasonOf(guests[i]), "its reason").toBe(SHUTDOWN_poweroff);
      expect(saidBy(guests[i], "vcpus " + (i + 1).toString()), "all its vCPUs ran").toBeTrue();
      expect(guests[i].domain.info().maxVcpuId, "the highest vCPU").toBe(i);
    }
    destroyAll(guests);
  });

  test("one ends while the others go on", () => {
    const guests: Guest[] = [];
    for (let i = 0; i < 4; i++) guests.push(create(i == 2 ? "nothing" : "tick"));
    for (let i = 0; i < 4; i++) guests[i].domain.unpause();
    expect(reasonOf(guests[2])).toBe(SHUTDOWN_poweroff);
    guests[2].destroy();
    waitForLine(guests[3], "tick 20");
    for (let i = 0; i < 4; i++) {
      if (i == 2) continue;
      expect(saidBy(guests[i], "tick 5"), "it went on").toBeTrue();
      expect(guests[i].domain.info().isShutdown, "it has shut down").toBeFalse();
    }
    expect(saidBy(guests[2], "tick 0"), "the one that ended ticked").toBeFalse();
    guests.splice(2, 1);
    destroyAll(guests);
  });
});

/** Serves all domains until that one has said so; it gives up after 5 s. */
function waitForLine(guest: Guest, line: string): void {
  const deadline = systemTime() + 5000 * MS;
  while (!saidBy(guest, line) && systemTime() < deadline) waitForEvents(systemTime() + 10 * MS);
}

/** How many lines come within `ms`. */
function linesWithin(ms: u64): i32 {
  const before = said.length;
  const deadline = systemTime() + ms * MS;
  while (systemTime() < deadline) waitForEvents(deadline);
  return said.length - before;
}

test("pauses nest: it runs when the last one is taken back", () => {
  const guest = create("tick");
  const domain = guest.domain;
  /* It was created paused: this is the second. */
  expect(domain.pause()).toBe(0);
  expect(domain.unpause()).toBe(0);
  expect(domain.info().isPaused).toBeTrue();
  expect(linesWithin(50)).toBe(0);
  expect(domain.unpause()).toBe(0);
  waitForLine(guest, "tick 1");
  expect(saidBy(guest, "tick 1")).toBeTrue();
  expect(domain.info().isPaused).toBeFalse();
  expect(domain.unpause(), "an unpause too many").toBe(-EINVAL);
  guest.destroy();
});

group("SCHEDOP_remote_shutdown", () => {
  test("ends a running domain, and VIRQ_DOM_EXC tells of it", () => {
    const reasons: StaticArray<u32> = [SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_suspend, SHUTDOWN_crash];
    for (let i = 0; i < reasons.length; i++) {
      const guest = create("tick");
      guest.domain.unpause();
      waitForLine(guest, "tick 0");
      expect(guest.domain.info().isShutdown, "before").toBeFalse();
      evtchn.clear(exceptions);
      expect(guest.domain.remoteShutdown(reasons[i])).toBe(0);
      expect(evtchn.isPending(exceptions), "VIRQ_DOM_EXC is pending").toBeTrue();
      expect(guest.domain.info().reason, "its reason").toBe(reasons[i]);
      guest.destroy();
    }
  });

  test("and resumedomain lets it go on", () => {
    const guest = create("tick");
    guest.domain.unpause();
    waitForLine(guest, "tick 0");
    guest.domain.remoteShutdown(SHUTDOWN_suspend);
    expect(linesWithin(50), "lines once it has shut down").toBeLessThan(2);
    expect(guest.domain.resume()).toBe(0);
    expect(guest.domain.info().isShutdown).toBeFalse();
    said = [];
    expect(linesWithin(200), "lines once it was resumed").toBeGreaterThan(2);
    guest.destroy();
  });

  test("of a domain that is not there is -ESRCH", () => {
    const guest = create("nothing");
    guest.destroy();
    expect(gone(guest.domain)).toBeTrue();
    expect(guest.domain.remoteShutdown(SHUTDOWN_poweroff)).toBe(-ESRCH);
    expect(guest.domain.pause(), "pausedomain").toBe(-ESRCH);
    expect(guest.domain.softReset(), "soft_reset").toBe(-ESRCH);
    expect(guest.domain.destroy(), "destroydomain").toBe(-ESRCH);
  });
});

test("a destroyed domain stays, dying, while a frame of it is mapped", () => {
  const guest = create("nothing");
  const domain = guest.domain;
  const at = mapFrame(domain.id, RAM_GFN);
  expect(guest.destroy()).toBe(0);
  expect(gone(domain, 50)).toBeFalse();
  expect(domain.info().isDying).toBeTrue();
  unmapFrame(at);
  expect(gone(domain)).toBeTrue();
});

test("max_mem is a limit: what is beyond it is not populated", () => {
  const guest = create("nothing");
  const domain = guest.domain;
  const info = domain.info();
  expect(domain.setMaxMemory((info.totPages + 3) << 2)).toBe(0);
  expect(domain.info().maxPages).toBe(info.totPages + 3);
  expect(domain.populate(0x80000, 8, 0), "pages of eight").toBe(3);
  expect(domain.info().totPages).toBe(info.totPages + 3);
  guest.destroy();
});

test("two domains have a store each of their own", () => {
  const store = new Store();
  const first = create("nothing", 1, store);
  const second = create("nothing", 1, store);
  const path = "/local/domain";
  expect(store.read(path + "/" + first.domain.id.toString() + "/name")!).toBe(
    "guest-" + first.domain.id.toString(),
  );
  expect(store.read(path + "/" + second.domain.id.toString() + "/name")!).toBe(
    "guest-" + second.domain.id.toString(),
  );
  first.destroy();
  expect(store.directory(path)!.join(), "those that have one").toBe("0," + second.domain.id.toString());
  second.destroy();
});

/** Whether the domain said a line that begins with `start` and has `part` in it. */
function saidLike(guest: Guest, start: string, part: string): bool {
  const head = guest.domain.id.toString() + ": " + start;
  for (let i = 0; i < said.length; i++) if (said[i].startsWith(head) && said[i].includes(part)) return true;
  return false;
}

test("a domain without a nonce says in plain words what went wrong", () => {
  const throws = create("throw");
  throws.domain.unpause();
  expect(reasonOf(throws), "the reason of one that throws").toBe(SHUTDOWN_crash);
  expect(saidLike(throws, "abort: ", "on purpose"), "it says so").toBeTrue();
  throws.destroy();
  const traps = create("trap");
  traps.domain.unpause();
  expect(reasonOf(traps), "the reason of one that traps").toBe(SHUTDOWN_crash);
  expect(saidLike(traps, "trap: ", "kind=unreachable"), "it says so").toBeTrue();
  traps.destroy();
});
