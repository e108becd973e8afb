// The store, from inside: what a guest finds there, reads, writes, watches and changes in transactions.
//
// Why: it is how a toolstack and a guest talk, by a protocol of two small rings whose other end is a daemon that may
// be one of several. Each claim here holds for all of them; what only a damaged ring or a slow daemon shows, is in
// test/runtime. How it would fail: an answer that is another request's, a change that is not told of, a
// transaction that is half done, or a wait that does not end, which is this file's timeout.

// @xenlet timeout=120 test-timeout=60

import { control, describeResult, runLoop, softReset, systemTime, xen } from "xenlet";
import { expect, group, needs, test } from "xenlet/test";
import { StoreWatch, Transaction, xenstore } from "xenlet/xenstore";
import {
  HVM_PARAM_CONSOLE_EVTCHN,
  HVM_PARAM_CONSOLE_PFN,
  HVM_PARAM_STORE_EVTCHN,
  HVM_PARAM_STORE_PFN,
} from "xenlet/raw/abi/hvm";
import { E2BIG, EACCES, EAGAIN, EEXIST, EINVAL, ENODEV, ENOENT, ETIMEDOUT } from "xenlet/raw/errno";
import { hvmParam } from "xenlet/raw/hvm-param";

const MS: u64 = 1_000_000;
/** Where this test has its nodes. */
const MINE = "data/test";

let domid: string = "";
/** What callbacks have told. */
let told: Array<string> = [];
let watch: StoreWatch | null = null;
let tries = 0;

function soon(): u64 {
  return systemTime() + 10_000 * MS;
}

/** Waits for `path`; other changes may come before it. */
function comes(from: StoreWatch, path: string): bool {
  while (true) {
    const changed = from.wait(soon());
    if (changed === null) return false;
    if (changed == path) return true;
  }
}

function addOne(transaction: Transaction, path: string): i64 {
  const before = transaction.read(path);
  if (before.error != 0) return before.error;
  /* Another write comes between, once. */
  if (++tries == 1) xenstore.write(path, "10");
  return transaction.write(path, (I32.parseInt(before.value) + 1).toString());
}

class Listener {}

test(
  "a domain without a store is told so, at once",
  () => {
    expect(xenstore.read("domid").error).toBe(-ENODEV);
    expect(xenstore.write("data/x", "1")).toBe(-ENODEV);
    expect(xenstore.watch("data").error).toBe(-ENODEV);
    expect(control.obeyShutdown()).toBe(-ENODEV);
  },
  needs("dom0"),
);

group(
  "the store",
  () => {
    test("has what a toolstack writes for a domain", () => {
      domid = xenstore.read("domid").value;
      expect(xenstore.read("domid").error).toBe(0);
      expect(I32.parseInt(domid)).toBeGreaterThan(0);
      expect(xenstore.getDomainPath(<u16>I32.parseInt(domid)).value).toBe("/local/domain/" + domid);
      expect(xenstore.read("/local/domain/" + domid + "/domid").value).toBe(domid);
      expect(xenstore.read("name").value.length).toBeGreaterThan(0);
      expect(xenstore.read("vm").value.startsWith("/vm/")).toBeTrue();
      expect(xenstore.read(xenstore.read("vm").value + "/uuid").value.length).toBe(36);
      expect(I32.parseInt(xenstore.read("memory/target").value)).toBeGreaterThan(0);
      expect(xenstore.read("control/shutdown").error).toBe(0);
      expect(xenstore.read("control/platform-feature-xs_reset_watches").value).toBe("1");
    });

    test("says where its own ring is, and the console's", () => {
      expect(xenstore.read("store/port").value).toBe(hvmParam(HVM_PARAM_STORE_EVTCHN).toString());
      expect(xenstore.read("store/ring-ref").value).toBe(hvmParam(HVM_PARAM_STORE_PFN).toString());
      expect(xenstore.read("console/port").value).toBe(hvmParam(HVM_PARAM_CONSOLE_EVTCHN).toString());
      expect(xenstore.read("console/ring-ref").value).toBe(hvmParam(HVM_PARAM_CONSOLE_PFN).toString());
    });

    test("keeps what is written, and forgets what is removed", () => {
      expect(xenstore.rm(MINE)).toBe(0);
      expect(xenstore.write(MINE + "/a/b", "eins")).toBe(0);
      expect(xenstore.read(MINE + "/a/b").value).toBe("eins");
      expect(xenstore.read(MINE + "/a").value).toBe("");
      expect(xenstore.mkdir(MINE + "/c")).toBe(0);
      expect(xenstore.mkdir(MINE + "/a/b")).toBe(0);
      expect(xenstore.read(MINE + "/a/b").value).toBe("eins");
      expect(xenstore.directory(MINE).items.sort().join(" ")).toBe("a c");
      expect(xenstore.directory(MINE + "/c").items.length).toBe(0);
      expect(xenstore.rm(MINE + "/a")).toBe(0);
      expect(xenstore.read(MINE + "/a/b").error).toBe(-ENOENT);
      expect(xenstore.directory(MINE).items.join(" ")).toBe("c");
    });

    test("names what is wrong", () => {
      expect(xenstore.read(MINE + "/none").error).toBe(-ENOENT);
      expect(xenstore.directory(MINE + "/none").error).toBe(-ENOENT);
      expect(xenstore.write("domid", "0")).toBe(-EACCES);
      expect(xenstore.write("/local/domain/0/mine", "1")).toBe(-EACCES);
      expect(xenstore.directory("/local/domain").error).toBe(-EACCES);
      expect(xenstore.write(MINE + "/with space", "1")).toBe(-EINVAL);
      expect(xenstore.write(MINE + "//twice", "1")).toBe(-EINVAL);
      expect(xenstore.write(MINE + "/long", "x".repeat(4096))).toBe(-E2BIG);
      expect(xenstore.read("domid").value).toBe(domid);
    });

    test("carries messages longer than its rings, and as many as one likes", () => {
      const long = "0123456789".repeat(190);
      for (let i = 0; i < 25; i++) {
        expect(xenstore.write(MINE + "/long", long + i.toString())).toBe(0);
        expect(xenstore.read(MINE + "/long").value).toBe(long + i.toString());
      }
    });

    test("lets a domain say who may read what it owns", () => {
      xenstore.write(MINE + "/shared", "1");
      expect(xenstore.getPermissions(MINE + "/shared").items.join(" ")).toBe("n" + domid);
      expect(xenstore.setPermissions(MINE + "/shared", ["n" + domid, "r0"])).toBe(0);
      expect(xenstore.getPermissions(MINE + "/shared").items.join(" ")).toBe("n" + domid + " r0");
      expect(xenstore.setPermissions("domid", ["n" + domid])).toBe(-EACCES);
      expect(xenstore.setPermissions(MINE + "/shared", ["q1"])).toBe(-EINVAL);
    });
  },
  needs("domu"),
);

group(
  "a transaction",
  () => {
    test("happens at once", () => {
      xenstore.write(MINE + "/t", "1");
      const transaction = xenstore.begin();
      expect(transaction.error).toBe(0);
      expect(transaction.write(MINE + "/t", "2")).toBe(0);
      expect(transaction.read(MINE + "/t").value).toBe("2");
      expect(xenstore.read(MINE + "/t").value).toBe("1");
      expect(transaction.commit()).toBe(0);
      expect(xenstore.read(MINE + "/t").value).toBe("2");
    });

    test("or not at all", () => {
      const transaction = xenstore.begin();
      transaction.write(MINE + "/t", "3");
      expect(transaction.abort()).toBe(0);
      expect(xenstore.read(MINE + "/t").value).toBe("2");
      /* There is none: -ENOENT of xenstored, -EIO of oxenstored. */
      expect(transaction.commit()).toBeLessThan(0);
    });

    test("is refused if somebody changed what it has read, and can be tried again", () => {
      const transaction = xenstore.begin();
      transaction.read(MINE + "/t");
      transaction.write(MINE + "/u", "1");
      xenstore.write(MINE + "/t", "4");
      expect(transaction.commit()).toBe(-EAGAIN);
      expect(xenstore.read(MINE + "/u").error).toBe(-ENOENT);

      tries = 0;
      expect(xenstore.transact(MINE + "/t", addOne)).toBe(0);
      expect(tries).toBe(2);
      expect(xenstore.read(MINE + "/t").value).toBe("11");
    });
  },
  needs("domu"),
);

group(
  "a watch",
  () => {
    test("tells of the path itself, then of each change, and no more once it is stopped", () => {
      const own = xenstore.watch(MINE);
      expect(own.error).toBe(0);
      expect(own.wait(soon()) == MINE).toBeTrue();
      xenstore.write(MINE + "/w/x", "1");
      expect(comes(own, MINE + "/w/x")).toBeTrue();
      xenstore.rm(MINE + "/w");
      expect(comes(own, MINE + "/w")).toBeTrue();
      expect(own.stop()).toBe(0);
      xenstore.write(MINE + "/w", "2");
      expect(own.wait(systemTime() + 20 * MS) === null).toBeTrue();
    });

    test("is waited for no longer than asked", () => {
      const own = xenstore.watch(MINE + "/nothing");
      own.wait(soon());
      const start = systemTime();
      expect(own.wait(start + 30 * MS) === null).toBeTrue();
      expect(own.error).toBe(-ETIMEDOUT);
      expect(systemTime() - start).toBeGreaterThan(30 * MS - 1);
      own.stop();
    });

    test("has a token of its own, once", () => {
      const own = xenstore.watch(MINE, "token");
      expect(own.error).toBe(0);
      expect(xenstore.watch(MINE, "token").error).toBe(-EEXIST);
      own.stop();
    });

    test("calls back in the event loop, which goes on until there is no watch", () => {
      told = [];
      watch = xenstore.on(MINE + "/loop", new Listener(), (listener, path) => {
        told.push(xenstore.read(path).value);
        /* From within a callback, as a driver would answer. */
        if (told.length < 4) xenstore.write(path, "v" + told.length.toString());
        else watch!.stop();
      });
      xenstore.write(MINE + "/loop", "v0");
      setTimeout(() => {
        xenstore.write(MINE + "/loop", "last");
      }, 20);
      runLoop();
      expect(told.length).toBe(4);
      expect(told[told.length - 1].startsWith("v") || told[told.length - 1] == "last").toBeTrue();
    });
  },
  needs("domu"),
);

group(
  "control/shutdown",
  () => {
    test("is acknowledged, and then obeyed", () => {
      told = [];
      const served = control.onShutdown(new Listener(), (listener, command) => {
        told.push(command + " " + xenstore.read("control/shutdown").value.length.toString());
        if (told.length == 2) control.stop();
        else xenstore.write("control/shutdown", "poweroff");
        return true;
      });
      expect(served).toBe(0);
      expect(xenstore.read("control/feature-poweroff").value).toBe("1");
      /* Ours to write as well: what a toolstack would. */
      xenstore.write("control/shutdown", "reboot");
      runLoop();
      expect(told.join(", ")).toBe("reboot 0, poweroff 0");
      expect(xenstore.read("control/feature-poweroff").value).toBe("0");
    });
  },
  needs("domu"),
);

group(
  "the connection",
  () => {
    test("can be opened anew, and watches go on", () => {
      const own = xenstore.watch(MINE);
      own.wait(soon());
      const open = xenstore.begin();
      expect(xenstore.open()).toBe(0);
      expect(open.write(MINE + "/o", "1")).toBe(-EAGAIN);
      expect(comes(own, MINE)).toBeTrue();
      xenstore.write(MINE + "/o", "1");
      expect(comes(own, MINE + "/o")).toBeTrue();
      own.stop();
    });

    test("outlives soft resets", () => {
      told = [];
      watch = xenstore.on(MINE + "/reset", new Listener(), (listener, path) => {
        told.push(xenstore.read(path).value);
        if (told[told.length - 1] == "3") watch!.stop();
      });
      const own = xenstore.watch(MINE + "/waited");
      own.wait(soon());
      for (let i = 1; i <= 3; i++) {
        expect(softReset.prepare()).toBe(0);
        expect(softReset.request()).toBe(0);
        xen.attach();
        expect(xenstore.read("domid").value).toBe(domid);
        expect(xenstore.write(MINE + "/waited", i.toString())).toBe(0);
        expect(comes(own, MINE + "/waited")).toBeTrue();
      }
      xenstore.write(MINE + "/reset", "3");
      runLoop();
      expect(told[told.length - 1]).toBe("3");
      own.stop();
    });

    test("is as it was at the end", () => {
      expect(xenstore.resetWatches()).toBe(0);
      expect(describeResult(xenstore.rm(MINE))).toBe("0");
      expect(xenstore.failure).toBe("");
    });
  },
  needs("domu"),
);
