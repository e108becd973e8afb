// The store's client in a guest, against the toolstack's store, and against stores that misbehave.
// Why: client and store share two small rings and an event channel, across kernels that come and go. The mistakes
// show when a message is longer than a ring, a counter wraps, an event comes together with a reply, an earlier kernel
// left half a message, or the other side writes nonsense. Fails if an answer is lost, doubled or another request's,
// if a change is not told of, if a wait does not end, or if a broken ring is taken for a working one.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { random } from "../fixtures/random.js";
import { GuestEnded } from "./fake-xen.js";
import { prepareGuest } from "./load.js";
import {
  DomainXen,
  FIELD,
  Probe,
  RingPage,
  StoreWorld,
  XS,
  decode,
  encode,
  type Message,
} from "./store-world.js";

let startClient: Awaited<ReturnType<typeof prepareGuest>>;
let startStore: Awaited<ReturnType<typeof prepareGuest>>;

beforeAll(async () => {
  startClient = await prepareGuest("test/runtime/guest/xenstore.ts");
  startStore = await prepareGuest("test/runtime/guest/store.ts");
});

describe("with the toolstack's store", () => {
  let world: StoreWorld;
  let guest: ReturnType<StoreWorld["domain"]>;

  beforeEach(() => {
    world = new StoreWorld(startStore);
    guest = world.domain(1, startClient);
  });

  const toolstack = (...words: (string | number)[]): string => world.toolstack.run(...words);

  test("reads what xl writes for a domain", () => {
    const seen = Object.fromEntries(
      [
        "name",
        "domid",
        "vm",
        "memory/target",
        "memory/static-max",
        "store/port",
        "store/ring-ref",
        "console/port",
        "console/ring-ref",
        "console/type",
        "cpu/1/availability",
        "control/platform-feature-xs_reset_watches",
        "control/shutdown",
      ].map((path) => [path, guest.run("read", path)]),
    );
    expect(seen).toEqual({
      name: "guest1",
      domid: "1",
      vm: "/vm/00000000-0000-4000-8000-000000000001",
      "memory/target": "32768",
      "memory/static-max": "32768",
      "store/port": "1",
      "store/ring-ref": "1044476",
      "console/port": "2",
      "console/ring-ref": "1044479",
      "console/type": "xenconsoled",
      "cpu/1/availability": "online",
      "control/platform-feature-xs_reset_watches": "1",
      "control/shutdown": "",
    });
    expect(guest.run("read", "/local/domain/1/name")).toBe("guest1");
    expect(guest.run("home", 77)).toBe("/local/domain/77");
  });

  test("writes, lists and removes what is its own", () => {
    expect(guest.run("write", "data/a/b", "eins zwei ü")).toBe("0");
    expect(guest.run("read", "data/a/b")).toBe("eins zwei ü");
    expect(toolstack("read", "/local/domain/1/data/a/b")).toBe("eins zwei ü");
    expect(guest.run("mkdir", "data/c")).toBe("0");
    expect(guest.run("mkdir", "data/a/b")).toBe("0");
    expect(guest.run("read", "data/a/b")).toBe("eins zwei ü");
    expect(guest.run("ls", "data")).toBe("a c");
    expect(guest.run("rm", "data/a")).toBe("0");
    expect(guest.run("rm", "data/a")).toBe("0");
    expect(guest.run("ls", "data")).toBe("c");
    expect(guest.run("ls", "data/c")).toBe("");
    expect(guest.run("read", "data/a/b")).toBe("-ENOENT");
  });

  test("names every error", () => {
    expect(guest.run("read", "data/none")).toBe("-ENOENT");
    expect(guest.run("rm", "data/none/none")).toBe("-ENOENT");
    expect(guest.run("write", "name", "other")).toBe("-EACCES");
    expect(guest.run("ls", "/local/domain")).toBe("-EACCES");
    expect(guest.run("read", "/local/domain/0/none")).toBe("-EACCES");
    expect(guest.run("write", "data/a//b", "1")).toBe("-EINVAL");
    expect(guest.run("write", "data/a/", "1")).toBe("-EINVAL");
    expect(guest.run("write", "data/ü", "1")).toBe("-EINVAL");
    expect(guest.run("read", "data/a\0b")).toBe("-EINVAL");
    expect(guest.run("commit", (guest.run("begin"), 0))).toBe("0");
    expect(guest.run("commit", 0)).toBe("-ENOENT");
    expect(guest.run("write-size", "data/big", 2048)).toBe("-ENOSPC");
    expect(guest.run("write-size", "data/big", 4097)).toBe("-E2BIG");
    expect(guest.run("chmod", "data", "x1")).toBe("-EINVAL");
    expect(guest.run("chmod", "data", "n2")).toBe("-EPERM");
    expect(guest.run("watch", "data", "twice")).toBe("0");
    expect(guest.run("watch", "data", "twice")).toBe("-EEXIST");
    // A connection that works after all of this:
    expect(guest.run("read", "name")).toBe("guest1");
  });

  test("gives and takes permissions", () => {
    const other = world.domain(2, startClient);
    guest.run("write", "data/x", "mine");
    expect(guest.run("perms", "data/x")).toBe("n1");
    expect(other.run("read", "/local/domain/1/data/x")).toBe("-EACCES");
    expect(guest.run("chmod", "data/x", "n1", "r2")).toBe("0");
    expect(other.run("read", "/local/domain/1/data/x")).toBe("mine");
    expect(other.run("write", "/local/domain/1/data/x", "2")).toBe("-EACCES");
    expect(guest.run("chmod", "data/x", "n1", "b2")).toBe("0");
    expect(other.run("write", "/local/domain/1/data/x", "2")).toBe("0");
    expect(other.run("chmod", "/local/domain/1/data/x", "n2")).toBe("-EACCES");
    expect(guest.run("perms", "data/x")).toBe("n1 b2");
    expect(guest.run("perms", "control/shutdown")).toBe("n1");
    expect(guest.run("perms", "name")).toBe("n0 r1");
  });

  test("a list of more than a message holds comes whole", () => {
    toolstack("mkdir", "/long");
    toolstack("chmod", "/long", "r0");
    toolstack("fill", "/long", 1000);
    const names = guest.run("ls", "/long").split(" ");
    expect(names).toEqual(Array.from({ length: 1000 }, (_, index) => `child-${String(index)}`));
  });

  test("a value as long as a message may be, over rings whose counters wrap", () => {
    for (const counter of [0, 0xfffffff0, 0x7ffffff8, 1023]) {
      toolstack("write", "/long", "y".repeat(4096));
      toolstack("chmod", "/long", "r0");
      guest.xen.page.startAt(counter);
      expect(guest.run("read-size", "/long")).toBe("4096");
      expect(guest.run("write-size", "data/long", 2000)).toBe("0");
      expect(guest.run("read", "data/long")).toBe("x".repeat(2000));
      guest.run("open");
    }
  });

  describe("transactions", () => {
    test("happen at once or not at all", () => {
      guest.run("write", "data/a", "1");
      expect(guest.run("begin")).toBe("0");
      expect(guest.run("tx0", "write", "data/a", "2")).toBe("0");
      expect(guest.run("tx0", "write", "data/b", "3")).toBe("0");
      expect(guest.run("tx0", "read", "data/a")).toBe("2");
      expect(guest.run("tx0", "ls", "data")).toBe("a b");
      expect(guest.run("read", "data/a")).toBe("1");
      expect(guest.run("ls", "data")).toBe("a");
      expect(guest.run("commit", 0)).toBe("0");
      expect(guest.run("read", "data/a")).toBe("2");
      expect(guest.run("read", "data/b")).toBe("3");
    });

    test("an aborted one leaves nothing behind", () => {
      guest.run("begin");
      guest.run("tx0", "write", "data/a", "2");
      guest.run("tx0", "rm", "data/a");
      guest.run("tx0", "mkdir", "data/c");
      expect(guest.run("abort", 0)).toBe("0");
      expect(guest.run("ls", "data")).toBe("");
    });

    test("-EAGAIN if what one saw has changed, and only then", () => {
      guest.run("write", "data/a", "1");
      guest.run("write", "data/b", "1");
      guest.run("begin");
      guest.run("tx0", "read", "data/a");
      guest.run("tx0", "write", "data/c", "1");
      guest.run("write", "data/b", "2");
      expect(guest.run("commit", 0)).toBe("0");

      guest.run("begin");
      guest.run("tx1", "read", "data/a");
      toolstack("write", "/local/domain/1/data/a", "1");
      expect(guest.run("commit", 1)).toBe("-EAGAIN");
      expect(guest.run("commit", 1)).toBe("-ENOENT");
    });

    test("that it is not there counts as seen", () => {
      guest.run("begin");
      expect(guest.run("tx0", "read", "data/a")).toBe("-ENOENT");
      guest.run("write", "data/a", "1");
      expect(guest.run("tx0", "read", "data/a")).toBe("-ENOENT");
      expect(guest.run("commit", 0)).toBe("-EAGAIN");
    });

    test("transact() tries again until it could", () => {
      guest.run("write", "data/n", "1");
      expect(guest.run("add", "data/n")).toBe("0 2");
      expect(guest.run("read", "data/n")).toBe("11");
      expect(guest.run("add", "data/none")).toBe("-ENOENT 1");
    });

    test("watches fire when it happens, not before, once a path", () => {
      guest.run("watch", "data");
      guest.run("wait", 0, 1);
      guest.run("begin");
      guest.run("tx0", "write", "data/a", "1");
      guest.run("tx0", "write", "data/a", "2");
      expect(guest.run("wait", 0, 1)).toBe("-ETIMEDOUT");
      guest.run("commit", 0);
      expect(guest.run("wait", 0, 1)).toBe("data/a");
      expect(guest.run("wait", 0, 1)).toBe("-ETIMEDOUT");
    });
  });

  describe("watches that are waited for", () => {
    test("tell of the path itself once, then of what changes in it and below", () => {
      expect(guest.run("watch", "data")).toBe("0");
      expect(guest.run("wait", 0, 5)).toBe("data");
      toolstack("write", "/local/domain/1/data/a/b", "1");
      toolstack("write", "/local/domain/1/name", "other");
      expect(guest.run("wait", 0, 5)).toBe("data/a/b");
      expect(guest.run("wait", 0, 5)).toBe("-ETIMEDOUT");
      toolstack("rm", "/local/domain/1/data/a");
      expect(guest.run("wait", 0, 5)).toBe("data/a");
      expect(guest.run("stop", 0)).toBe("0");
      toolstack("write", "/local/domain/1/data/a", "1");
      expect(guest.run("wait", 0, 5)).toBe("-ETIMEDOUT");
      expect(guest.run("stop", 0)).toBe("-ENOENT");
    });

    test("of an absolute path are told of by absolute paths, each watch of its own", () => {
      guest.run("watch", "/local/domain/1/data", "one");
      guest.run("watch", "data/a", "two");
      guest.run("wait", 0, 5);
      guest.run("wait", 1, 5);
      guest.run("write", "data/a", "1");
      expect(guest.run("wait", 1, 5)).toBe("data/a");
      expect(guest.run("wait", 0, 5)).toBe("/local/domain/1/data/a");
    });

    test("sleep, and wake within the deadline", () => {
      guest.run("watch", "data");
      guest.run("wait", 0, 5);
      const { xen } = guest;
      const { store } = xen;
      const start = xen.tsc;
      let sleeps = 0;
      xen.store = () => {
        sleeps++;
        store();
      };
      expect(guest.run("wait", 0, 40)).toBe("-ETIMEDOUT");
      expect(Number(xen.tsc - start) / 1e6).toBeGreaterThanOrEqual(40);
      expect(Number(xen.tsc - start) / 1e6).toBeLessThan(41);
      expect(sleeps).toBeLessThan(4);
    });
  });

  describe("watches that the event loop calls back for", () => {
    const turn = (): string[] => {
      guest.run("turn");
      return guest.said();
    };

    test("are called for the path itself once, then for each change", () => {
      expect(guest.run("on", "data")).toBe("0");
      expect(turn()).toEqual(["data: data"]);
      toolstack("write", "/local/domain/1/data/x", "1");
      toolstack("write", "/local/domain/1/data/y", "1");
      expect(turn()).toEqual(["data: data/x", "data: data/y"]);
      expect(turn()).toEqual([]);
      guest.run("stop", 0);
      toolstack("write", "/local/domain/1/data/x", "2");
      expect(turn()).toEqual([]);
    });

    test("one that came along with a reply is not forgotten", () => {
      guest.run("on", "data");
      turn();
      // The event is in the ring before, between and behind the messages of this request.
      toolstack("write", "/local/domain/1/data/before", "1");
      guest.run("write", "data/own", "1");
      guest.run("read", "name");
      expect(turn().sort()).toEqual(["data: data/before", "data: data/own"]);
    });

    test("may make requests of their own", () => {
      guest.run("on-reading", "data/v");
      turn();
      for (const value of ["1", "2", "3"]) {
        toolstack("write", "/local/domain/1/data/v", value);
        expect(turn()).toEqual([`data/v = ${value}`]);
      }
    });

    test("several at once, in the order of the changes", () => {
      guest.run("on", "data/a");
      guest.run("on", "data");
      turn();
      toolstack("write", "/local/domain/1/data/b", "1");
      toolstack("write", "/local/domain/1/data/a", "1");
      expect(turn().sort()).toEqual(["data/a: data/a", "data: data/a", "data: data/b"]);
    });
  });

  describe("opened anew", () => {
    test("goes on where a soft reset left it: new port, emptied ring, the same watches", () => {
      guest.xen.on("sched_op", 2, () => 0n);
      guest.run("on", "data/v");
      guest.run("turn");
      guest.run("watch", "data/w");
      guest.run("wait", 1, 5);
      guest.said();
      guest.run("begin");
      const before = guest.xen.port;
      guest.run("soft-reset");
      world.connect(1, guest.xen);
      expect(guest.xen.port).not.toBe(before);
      guest.run("attach");
      guest.run("turn");
      expect(guest.said()).toEqual(["data/v: data/v"]);
      expect(guest.run("wait", 1, 5)).toBe("data/w");
      toolstack("write", "/local/domain/1/data/v", "1");
      toolstack("write", "/local/domain/1/data/w", "1");
      guest.run("turn");
      expect(guest.said()).toEqual(["data/v: data/v"]);
      expect(guest.run("wait", 1, 5)).toBe("data/w");
      expect(guest.run("tx0", "write", "data/x", "1")).toBe("-EAGAIN");
      expect(guest.run("commit", 0)).toBe("-EAGAIN");
      expect(guest.xen.mapped).toBe(1);
    });

    test("a second kernel gets none of the first one's events, and leaves its transactions behind", () => {
      guest.run("watch", "data", "old");
      for (let i = 0; i < 10; i++) guest.run("begin");
      expect(guest.run("begin")).toBe("-ENOSPC");
      const xen = new DomainXen(guest.xen.page);
      const next = new Probe(startClient(xen));
      world.connect(1, xen);
      expect(next.run("begin")).toBe("0");
      expect(next.run("watch", "data", "old")).toBe("0");
      expect(next.run("wait", 0, 5)).toBe("data");
      toolstack("write", "/local/domain/1/data/a", "1");
      expect(next.run("wait", 0, 5)).toBe("data/a");
      expect(next.run("wait", 0, 5)).toBe("-ETIMEDOUT");
    });

    test("by itself, without a reset, it does the same", () => {
      guest.run("on", "data");
      guest.run("turn");
      expect(guest.run("open")).toBe("0");
      guest.said();
      guest.run("turn");
      expect(guest.said()).toEqual(["data: data"]);
    });
  });

  describe("control/shutdown", () => {
    const ask = (command: string): string[] => {
      toolstack("ask", 1, command);
      guest.run("turn");
      return guest.said();
    };

    test("a handler is told, after the acknowledgement", () => {
      expect(guest.run("control", "handle")).toBe("0");
      guest.run("turn");
      expect(guest.said()).toEqual([]);
      for (const command of ["poweroff", "reboot", "halt", "crash", "suspend"]) {
        expect(ask(command)).toEqual([`handled ${command}`]);
        expect(toolstack("read", "/local/domain/1/control/shutdown")).toBe("");
      }
    });

    test.each([
      ["poweroff", 0],
      ["halt", 0],
      ["reboot", 1],
      ["crash", 3],
    ])("%s is obeyed, after the acknowledgement", (command, reason) => {
      for (const how of ["obey", "see"]) {
        world = new StoreWorld(startStore);
        guest = world.domain(1, startClient);
        guest.run("control", how);
        guest.run("turn");
        let ended: unknown;
        try {
          ask(command);
        } catch (error) {
          ended = error;
        }
        expect(ended).toBeInstanceOf(GuestEnded);
        expect((ended as GuestEnded).reason).toBe(reason);
        expect(toolstack("read", "/local/domain/1/control/shutdown")).toBe("");
      }
    });

    test("what it does not support is not acknowledged, and it says in the store what it does", () => {
      guest.run("control", "obey");
      expect(ask("suspend")).toEqual(["control/shutdown asks for suspend: ignored"]);
      expect(toolstack("read", "/local/domain/1/control/shutdown")).toBe("suspend");
      expect(ask("dance")).toEqual(["control/shutdown asks for dance: ignored"]);
      const feature = (name: string): string =>
        toolstack("read", `/local/domain/1/control/feature-${name}`);
      expect(["poweroff", "reboot", "suspend"].map(feature)).toEqual(["1", "1", "0"]);
      guest.run("control", "handle");
      expect(["poweroff", "reboot", "suspend"].map(feature)).toEqual(["1", "1", "1"]);
      guest.run("control", "stop");
      expect(["poweroff", "reboot", "suspend"].map(feature)).toEqual(["0", "0", "0"]);
      expect(ask("poweroff")).toEqual([]);
    });

    test("a request that was there before is obeyed", () => {
      toolstack("ask", 1, "reboot");
      guest.run("control", "handle");
      guest.run("turn");
      expect(guest.said()).toEqual(["handled reboot"]);
    });
  });
});

test("docs/xenstore.md's examples do what the page says", async () => {
  const page = await readFile("docs/xenstore.md", "utf8");
  const folder = await mkdtemp(join(tmpdir(), "xenlet-docs-"));
  const said: string[][] = [];
  try {
    for (const [, example = ""] of page.matchAll(/^```ts\n([^`]*)^```/gm)) {
      const entry = join(folder, `example-${String(said.length)}.ts`);
      await writeFile(entry, example);
      const world = new StoreWorld(startStore);
      world.toolstack.run("domain", 1);
      world.toolstack.run("ask", 1, "poweroff");
      const xen = new DomainXen(new RingPage());
      world.connect(1, xen);
      expect((await prepareGuest(entry))(xen).reason).toBe(0);
      said.push(new Probe({ xen, call: {}, reason: 0 }).said());
      said.push([world.toolstack.run("read", "/local/domain/1/control/shutdown")]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(said).toEqual([["guest1", "state"], ["poweroff"], [], [""]]);
});

/** A store that the test plays. */
class RawStore {
  readonly page = new RingPage();
  readonly xen = new DomainXen(this.page);
  readonly guest: Probe;
  private left = Buffer.alloc(0);
  private out = Buffer.alloc(0);
  requests: Message[] = [];
  /** How many bytes it moves at a time. */
  most = 1024;
  answer: (request: Message) => Message[] = (request) => [
    { ...request, text: request.type === XS.READ ? "value" : "OK\0" },
  ];

  constructor() {
    this.guest = new Probe(startClient(this.xen));
    this.guest.said();
    this.xen.offerPort();
    this.xen.store = () => {
      this.turn();
    };
  }

  send(...messages: Message[]): void {
    this.sendBytes(...messages.map(encode));
  }

  sendBytes(...bytes: Buffer[]): void {
    this.out = Buffer.concat([this.out, ...bytes]);
  }

  turn(): void {
    const before = this.page.counters.join();
    const { messages, rest } = decode(Buffer.concat([this.left, this.page.takeRequest(this.most)]));
    this.left = Buffer.from(rest);
    for (const message of messages) {
      this.requests.push(message);
      this.send(...this.answer(message));
    }
    const count = this.page.putReply(this.out.subarray(0, this.most));
    this.out = this.out.subarray(count);
    if (before !== this.page.counters.join()) this.xen.raise(this.xen.port);
  }
}

const event = (path: string, token: string): Message => ({
  type: XS.WATCH_EVENT,
  id: 0,
  tx: 0,
  text: `${path}\0${token}\0`,
});

describe("with a store that does not do as ours", () => {
  let store: RawStore;

  beforeEach(() => {
    store = new RawStore();
  });

  const run = (...words: (string | number)[]): string => store.guest.run(...words);

  test("without a store there is -ENODEV, and no mapping", () => {
    for (const [pfn, port] of [
      [0n, 1],
      [0xffff_ffff_ffff_ffffn, 1],
      [0xfeffcn, 0],
    ] as const) {
      store = new RawStore();
      store.xen.pfn = pfn;
      store.xen.port = port;
      expect(run("read", "name")).toBe("-ENODEV");
      expect(run("watch", "name")).toBe("-ENODEV");
      expect(run("begin")).toBe("-ENODEV");
      expect(store.xen.mapped).toBe(0);
    }
  });

  test("also for a program that uses it in an overriding method only, of which asc knows late", async () => {
    const start = await prepareGuest("test/runtime/guest/xenstore-overriding.ts");
    const { xen } = start(new DomainXen(new RingPage()));
    expect(xen.records.filter(({ kind }) => kind !== "boot").map(({ text }) => text)).toEqual([
      "-19",
      "code=0",
    ]);
  });

  test.each([1, 3, 7, 16, 100, 1024])("one that moves %i bytes at a time", (most) => {
    store.most = most;
    store.answer = (request) => [{ ...request, text: request.text }];
    const value = "z".repeat(3000);
    expect(run("write", "data/a", value)).toBe("0");
    expect(store.requests.at(-1)).toMatchObject({ type: XS.WRITE, text: `data/a\0${value}` });
    expect(run("read", "data/a")).toBe("data/a\0");
  });

  test("one that never answers is given up on at the deadline", () => {
    store.xen.store = () => undefined;
    run("timeout", 50);
    const start = store.xen.tsc;
    expect(run("open")).toBe("-ETIMEDOUT");
    expect(Number(store.xen.tsc - start) / 1e6).toBeLessThan(60);
    expect(run("read", "name")).toBe("-ENOTCONN");
    expect(run("failure")).toBe("the store does not answer");
  });

  test("a late answer is not taken for the next request's", () => {
    run("open");
    run("timeout", 50);
    const late: Message[] = [];
    const { answer } = store;
    store.answer = (request) => (late.push(request), []);
    expect(run("read", "one")).toBe("-ETIMEDOUT");
    store.answer = (request) => [
      ...late.splice(0).map((message) => ({ ...message, text: "late" })),
      ...answer(request),
    ];
    expect(run("read", "two")).toBe("value");
    expect(run("read", "three")).toBe("value");
  });

  test("a request that was cut off by the deadline is sent to its end before the next", () => {
    run("open");
    run("timeout", 50);
    const { most } = store;
    store.most = 0;
    expect(run("write", "data/a", "a".repeat(3000))).toBe("-ETIMEDOUT");
    store.most = most;
    expect(run("read", "two")).toBe("value");
    const [cut, next] = store.requests.slice(-2);
    expect(cut).toMatchObject({ type: XS.WRITE, text: `data/a\0${"a".repeat(3000)}` });
    expect(next).toMatchObject({ type: XS.READ, text: "two\0" });
  });

  test("errors: those with a name, oxenstored's EQUOTA, and what nobody has heard of", () => {
    const named = ["EINVAL", "EACCES", "EEXIST", "EISDIR", "ENOENT", "ENOMEM", "ENOSPC", "EIO"];
    const more = ["ENOTEMPTY", "ENOSYS", "EROFS", "EBUSY", "EAGAIN", "EISCONN", "E2BIG", "EPERM"];
    run("open");
    const answered = (error: string): string => {
      store.answer = ({ id, tx }) => [{ type: XS.ERROR, id, tx, text: `${error}\0` }];
      return run("write", "data/a", "1");
    };
    expect([...named, ...more].map(answered)).toEqual(
      [...named, ...more].map((name) => `-${name}`),
    );
    expect(answered("EQUOTA")).toBe("-ENOSPC");
    expect(answered("EWHATEVER")).toBe("-EIO");
    expect(answered("")).toBe("-EIO");
  });

  test("an answer of another type than the request's is an error", () => {
    run("open");
    store.answer = ({ id, tx }) => [{ type: XS.DIRECTORY, id, tx, text: "" }];
    expect(run("read", "name")).toBe("-EIO");
  });

  test("a list too long for a message, where parts of it cannot be had", () => {
    run("open");
    store.answer = ({ type, id, tx }) => [
      { type: XS.ERROR, id, tx, text: type === XS.DIRECTORY ? "E2BIG\0" : "ENOSYS\0" },
    ];
    expect(run("ls", "data")).toBe("-E2BIG");
  });

  test("a list that changes between its parts is read again, and not for ever", () => {
    run("open");
    let generation = 0;
    let changes = 3;
    store.answer = ({ type, id, tx, text }) => {
      if (type === XS.DIRECTORY) return [{ type: XS.ERROR, id, tx, text: "E2BIG\0" }];
      const first = text.endsWith("\x000\0");
      if (!first && changes-- > 0) generation++;
      const part = first ? "a\0b\0" : "c\0\0";
      return [{ type, id, tx, text: `${String(generation)}\0${part}` }];
    };
    expect(run("ls", "data")).toBe("a b c");
    changes = Infinity;
    expect(run("ls", "data")).toBe("-EAGAIN");
    store.answer = ({ type, id, tx }) =>
      type === XS.DIRECTORY
        ? [{ type: XS.ERROR, id, tx, text: "E2BIG\0" }]
        : [{ type, id, tx, text: "" }];
    expect(run("ls", "data")).toBe("-EIO");
  });

  describe("whatever an earlier kernel left in the ring", () => {
    /** A reply as long as a ring to somebody else's request, cut off somewhere. */
    const stale = Buffer.concat([
      encode(event("/somewhere", "old")),
      encode({ type: XS.READ, id: 7, tx: 0, text: "s".repeat(900) }),
      encode(event("/elsewhere", "old")),
    ]);

    test("the first answer is found, and what was there is skipped", () => {
      for (let cut = 0; cut <= 100; cut += 9) {
        store = new RawStore();
        // Taken: `cut` bytes, by the earlier kernel. What follows is still to come.
        store.sendBytes(stale.subarray(cut));
        store.page.startAt(0xfffffe00);
        store.turn();
        expect(run("read", "name"), `cut at ${String(cut)}`).toBe("value");
        expect(run("read", "name")).toBe("value");
      }
    });

    test("counters that make no sense are put in order", () => {
      for (const ahead of [1, 1025, 0x80000000]) {
        store = new RawStore();
        store.page.set(FIELD.rspCons, 77);
        store.page.set(FIELD.rspProd, 77 - ahead);
        expect(run("read", "name")).toBe("value");
      }
    });

    test("also where it looks like a header of a long message", () => {
      store.sendBytes(Buffer.alloc(300, 0xff), encode({ type: XS.READ, id: 0, tx: 0, text: "" }));
      expect(run("read", "name")).toBe("value");
    });

    test("watches of an earlier kernel are reset where the store says that they can be", () => {
      for (const [says, resets] of [
        ["1", 1],
        ["0", 0],
      ] as const) {
        store = new RawStore();
        store.answer = (request) => [
          { ...request, text: request.type === XS.READ ? says : "OK\0" },
        ];
        run("read", "name");
        expect(store.requests.filter(({ type }) => type === XS.RESET_WATCHES)).toHaveLength(resets);
      }
    });

    test("a store that offers it is asked to connect anew, and waited for", () => {
      store.page.set(FIELD.serverFeatures, 1);
      store.page.startAt(500);
      store.sendBytes(stale);
      const turn = store.turn.bind(store);
      let asked = 0;
      store.xen.store = () => {
        if (store.page.get(FIELD.connection) !== 1) {
          turn();
          return;
        }
        // Takes its time: the first event is another one.
        store.xen.raise(store.xen.port);
        if (++asked < 2) return;
        store.page.startAt(0);
        store.sendBytes();
        store.page.set(FIELD.connection, 0);
      };
      expect(run("read", "name")).toBe("value");
      expect(asked).toBe(2);
      expect(store.requests[0]).toMatchObject({ type: XS.READ });
    });
  });

  describe("a ring that makes no sense ends the connection, and open() begins anew", () => {
    const damages: [string, RegExp, () => void][] = [
      ["more replies than a ring holds", /reply ring/, () => { store.page.set(FIELD.rspProd, store.page.get(FIELD.rspCons) + 1025); }],
      ["replies taken back", /reply ring/, () => { store.page.set(FIELD.rspProd, store.page.get(FIELD.rspCons) - 1); }],
      ["more requests taken than there were", /request ring/, () => { store.page.set(FIELD.reqCons, store.page.get(FIELD.reqProd) + 1); }],
      ["a message too long", /XENSTORE_PAYLOAD_MAX/, () => { store.sendBytes(Buffer.concat([encode({ type: XS.READ, id: 1, tx: 0, text: "" }).subarray(0, 12), Buffer.from([1, 16, 0, 0])])); }],
      ["the store says so", /XENSTORE_ERROR_\* 2/, () => { store.page.set(FIELD.serverFeatures, 2); store.page.set(FIELD.error, 2); }],
    ]; // prettier-ignore

    test.each(damages)("%s", (_what, failure, damage) => {
      run("open");
      expect(run("on", "data")).toBe("0");
      run("turn");
      store.guest.said();
      store.answer = () => [];
      damage();
      run("timeout", 50);
      expect(run("read", "name")).toBe("-ENOTCONN");
      expect(run("failure")).toMatch(failure);
      expect(store.guest.said()).toEqual([expect.stringMatching(/^xenstore: .*watches are dead/)]);
      expect(run("write", "name", "1")).toBe("-ENOTCONN");
      expect(run("begin")).toBe("-ENOTCONN");
      expect(run("watch", "data")).toBe("-ENOTCONN");

      const { page } = store;
      page.set(FIELD.serverFeatures, 0);
      page.set(FIELD.error, 0);
      page.startAt(4000);
      store.answer = new RawStore().answer;
      expect(run("open")).toBe("0");
      expect(run("read", "name")).toBe("value");
      expect(run("failure")).toBe("");
    });

    test("also while nobody asks: the event loop says so, and does not wait for it", () => {
      run("on", "data");
      run("turn");
      store.guest.said();
      store.page.set(FIELD.rspProd, store.page.get(FIELD.rspCons) + 5000);
      store.xen.store = () => undefined;
      store.xen.raise(store.xen.port);
      run("turn");
      expect(store.guest.said()).toEqual([expect.stringMatching(/^xenstore: the reply ring's/)]);
      // It does not wait then.
      expect(run("loop")).toBe("");
    });

    test("whatever is written there at random, every call ends", () => {
      const below = random(11);
      for (let round = 0; round < 150; round++) {
        store = new RawStore();
        run("timeout", 20);
        run("open");
        store.answer = (request) => [
          {
            ...request,
            type: below(25),
            text: String.fromCharCode(below(256)).repeat(below(3000)),
          },
        ];
        for (let i = 0; i < 4; i++) {
          const field = [FIELD.rspProd, FIELD.rspCons, FIELD.reqCons, FIELD.reqProd][below(4)] ?? 0;
          if (below(2) === 0) store.page.set(field, store.page.get(field) + below(2200) - 1100);
          else store.sendBytes(Buffer.from(Array.from({ length: below(600) }, () => below(256))));
          run(["read", "ls", "perms", "mkdir"][below(4)] ?? "", "data");
        }
      }
    });
  });

  test("a flood of events does not keep a request from its deadline", () => {
    run("open");
    run("timeout", 20);
    store.answer = () => [];
    const turn = store.turn.bind(store);
    store.xen.store = () => {
      store.send(event("data", "nobody"));
      turn();
    };
    expect(run("read", "name")).toBe("-ETIMEDOUT");
  });

  test("events for a watch that is no more, or never was, are dropped", () => {
    run("on", "data");
    run("turn");
    store.guest.said();
    store.send(event("data", "nobody"), event("", ""), {
      type: XS.WATCH_EVENT,
      id: 0,
      tx: 0,
      text: "",
    });
    store.turn();
    run("turn");
    expect(store.guest.said()).toEqual([]);
  });
});
