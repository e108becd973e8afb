// The toolstack's store against domains that may send anything.
// Why: the store runs in dom0, and its rings are memory that any domain writes as it likes, at any moment. Fails if a
// domain gets at what is not its own, gets more than its share, makes the store read or write outside of its ring,
// keeps another domain from being served, or if an answer differs from the one that xenstored would give.

import { beforeAll, beforeEach, describe, expect, test } from "vitest";

import { random } from "../fixtures/random.js";
import { prepareGuest } from "./load.js";
import { FIELD, RawDomain, StoreWorld, XS, encode } from "./store-world.js";

let startStore: Awaited<ReturnType<typeof prepareGuest>>;
let world: StoreWorld;
let one: RawDomain;
let two: RawDomain;

beforeAll(async () => {
  startStore = await prepareGuest("test/runtime/guest/store.ts");
});

beforeEach(() => {
  world = new StoreWorld(startStore);
  one = new RawDomain(world, 1);
  two = new RawDomain(world, 2);
});

const toolstack = (...words: (string | number)[]): string => world.toolstack.run(...words);

/** The domain is served as if nothing had been. */
function expectAlive(domain: RawDomain): void {
  expect(domain.ask(XS.READ, "domid\0")).toBe(String(domain.domid));
}

describe("requests", () => {
  test("of each kind are answered as xenstored does", () => {
    const answers = [
      [XS.READ, "name\0", "guest1"],
      [XS.WRITE, "data/a\0value", "OK"],
      [XS.READ, "/local/domain/1/data/a\0", "value"],
      [XS.WRITE, "data/empty\0", "OK"],
      [XS.READ, "data/empty\0", ""],
      [XS.MKDIR, "data/b/c\0", "OK"],
      [XS.DIRECTORY, "data\0", "a empty b"],
      [XS.DIRECTORY, "data/a\0", ""],
      [XS.GET_PERMS, "data/b/c\0", "n1"],
      [XS.GET_PERMS, "control\0", "n0 r1"],
      [XS.SET_PERMS, "data/a\0b1\0r2\0w3\0n4\0", "OK"],
      [XS.GET_PERMS, "data/a\0", "b1 r2 w3 n4"],
      [XS.RM, "data/b\0", "OK"],
      [XS.RM, "data/b\0", "OK"],
      [XS.RM, "data/b/c/d\0", "-ENOENT"],
      [XS.GET_DOMAIN_PATH, "1\0", "/local/domain/1"],
      [XS.GET_DOMAIN_PATH, "65535\0", "/local/domain/65535"],
      [XS.RESET_WATCHES, "\0", "OK"],
      [XS.READ, "data/none\0", "-ENOENT"],
      [XS.READ, "data/none/none\0", "-ENOENT"],
    ] as const;
    for (const [type, text, answer] of answers)
      expect(one.ask(type, text), `${String(type)} ${text}`).toBe(answer);
  });

  test("that are malformed are refused, and the next one is served", () => {
    const refused = [
      [XS.READ, "", "-EINVAL"],
      [XS.READ, "name", "-EINVAL"],
      [XS.READ, "name\0more\0", "-EINVAL"],
      [XS.READ, "\0", "-EINVAL"],
      [XS.WRITE, "", "-EINVAL"],
      [XS.WRITE, "no-nul", "-EINVAL"],
      [XS.MKDIR, "\0\0", "-EINVAL"],
      [XS.RM, "data\0\0", "-EINVAL"],
      [XS.WATCH, "data\0", "-EINVAL"],
      [XS.WATCH, "", "-EINVAL"],
      [XS.UNWATCH, "data\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0n\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0x1\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0n1x\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0n99999\0", "-EINVAL"],
      [XS.SET_PERMS, "data\0n-1\0", "-EINVAL"],
      [XS.GET_DOMAIN_PATH, "", "-EINVAL"],
      [XS.GET_DOMAIN_PATH, "one\0", "-EINVAL"],
      [XS.GET_DOMAIN_PATH, "99999999999\0", "-EINVAL"],
      [XS.DIRECTORY_PART, "data\0", "-EINVAL"],
      [XS.TRANSACTION_END, "T\0", "-ENOENT"],
    ] as const;
    for (const [type, text, answer] of refused) {
      expect(one.ask(type, text), `${String(type)} ${JSON.stringify(text)}`).toBe(answer);
      expectAlive(one);
    }
  });

  test("whose type is dom0's, a reply's, or none, are refused", () => {
    for (const type of [XS.CONTROL, XS.INTRODUCE, 9, 17, 18, 19])
      expect(one.ask(type, "2\0")).toBe("-EACCES");
    for (const type of [XS.WATCH_EVENT, XS.ERROR, 20, 23, 24, 0xffff, 0xffffffff, 0x80000001])
      expect(one.ask(type, "data\0")).toBe("-ENOSYS");
    expectAlive(one);
  });

  test("paths that cannot be", () => {
    const paths = [
      "/",
      "//",
      "/local//domain",
      "/local/",
      "data/",
      "data//a",
      "@releaseDomain",
      "@x",
    ];
    const odd = [
      " ",
      ".",
      "data/.",
      "data/a b",
      "data/\x80",
      "data/ü",
      "data/\xc0\xaf",
      "da\nta",
      "*",
    ];
    for (const path of [...paths.slice(1), ...odd])
      expect(one.ask(XS.WRITE, `${path}\0x`), JSON.stringify(path)).toBe("-EINVAL");
    expect(one.ask(XS.WRITE, "/\0x")).toBe("-EACCES");
    expect(one.ask(XS.RM, "/\0")).toBe("-EACCES");
    expect(toolstack("rm", "/")).toBe("-EINVAL");
    expect(toolstack("write", "relative", "1")).toBe("-EINVAL");
    const longest = `data/${"a".repeat(2048 - 5)}`;
    expect(one.ask(XS.READ, `${longest}\0`)).toBe("-ENOENT");
    expect(one.ask(XS.READ, `${longest}a\0`)).toBe("-EINVAL");
    expect(one.ask(XS.WRITE, "data/-_@09azAZ\0x")).toBe("OK");
  });

  test("whose answer would be too long are refused, and a list can be had in parts", () => {
    toolstack("mkdir", "/long");
    toolstack("chmod", "/long", "r0");
    toolstack("fill", "/long", 600);
    expect(one.ask(XS.DIRECTORY, "/long\0")).toBe("-E2BIG");
    toolstack("write", "/long/child-0", "x".repeat(4097));
    expect(one.ask(XS.READ, "/long/child-0\0")).toMatch(/^-E/);
    const generation = one.ask(XS.DIRECTORY_PART, "/long\x0099999\0");
    expect(one.ask(XS.DIRECTORY_PART, "/long\x000\0")).toMatch(
      new RegExp(`^${generation} child-0 child-1 .*child-\\d+$`),
    );
    toolstack("rm", "/long/child-7");
    expect(one.ask(XS.DIRECTORY_PART, "/long\x0099999\0")).not.toBe(generation);
    expectAlive(one);
  });

  test("a value may be any bytes, a token too", () => {
    const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    expect(one.ask(XS.WRITE, `data/a\0${bytes}`)).toBe("OK");
    one.send(encode({ type: XS.READ, id: 5, tx: 0, text: "data/a\0" }));
    expect(one.receive()).toEqual([{ type: XS.READ, id: 5, tx: 0, text: bytes }]);
    const token = bytes.slice(1);
    one.send(encode({ type: XS.WATCH, id: 6, tx: 9, text: `data/a\0${token}\0` }));
    expect(one.receive()).toEqual([
      { type: XS.WATCH, id: 6, tx: 9, text: "OK\0" },
      { type: XS.WATCH_EVENT, id: 0, tx: 0, text: `data/a\0${token}\0` },
    ]);
  });
});

describe("permissions", () => {
  test("a domain reads and writes its own, and nothing of another's", () => {
    one.ask(XS.WRITE, "data/secret\0x");
    const of = "/local/domain/1";
    for (const path of [of, `${of}/name`, `${of}/data`, `${of}/data/secret`, `${of}/none`, "/vm"])
      for (const type of [XS.READ, XS.DIRECTORY, XS.GET_PERMS])
        expect(two.ask(type, `${path}\0`), path).toBe("-EACCES");
    expect(two.ask(XS.WRITE, `${of}/data/x\0x`)).toBe("-EACCES");
    expect(two.ask(XS.RM, `${of}/data\0`)).toBe("-EACCES");
    expect(two.ask(XS.SET_PERMS, `${of}/data\0n2\0`)).toBe("-EACCES");
    expect(one.ask(XS.WRITE, "name\0x")).toBe("-EACCES");
    expect(one.ask(XS.WRITE, "new\0x")).toBe("-EACCES");
    expect(one.ask(XS.RM, "memory/target\0")).toBe("-EACCES");
    expect(one.ask(XS.SET_PERMS, "data\0n2\0")).toBe("-EPERM");
    expect(one.ask(XS.SET_PERMS, "@releaseDomain\0r1\0")).toBe("-EACCES");
    expect(toolstack("read", "/local/domain/1/data/secret")).toBe("x");
  });

  test("what is made belongs to who makes it, with its parent's other permissions", () => {
    one.ask(XS.SET_PERMS, "data\0n1\0b2\0");
    expect(two.ask(XS.WRITE, "/local/domain/1/data/by-two\0x")).toBe("OK");
    expect(one.ask(XS.GET_PERMS, "data/by-two\0")).toBe("-EACCES");
    expect(two.ask(XS.GET_PERMS, "/local/domain/1/data/by-two\0")).toBe("n2 b2");
    // A domain that may write the parent may still not read the node, but may remove all of it.
    expect(one.ask(XS.RM, "data/by-two\0")).toBe("-EACCES");
  });

  test("that were given to a domain go with it: the next one with its id starts from nothing", () => {
    one.ask(XS.WRITE, "data/a\0x");
    one.ask(XS.SET_PERMS, "data/a\0n1\0r2\0");
    one.ask(XS.SET_PERMS, "data\0n1\0b2\0");
    two.ask(XS.WRITE, "/local/domain/1/data/by-two/below\0x");
    world.release(2);
    expect(one.ask(XS.DIRECTORY, "data\0")).toBe("a");
    expect(one.ask(XS.GET_PERMS, "data/a\0")).toBe("n1");
    const next = new RawDomain(world, 2);
    expect(next.ask(XS.READ, "/local/domain/1/data/a\0")).toBe("-EACCES");
    expectAlive(next);
    expectAlive(one);
  });
});

describe("quotas", () => {
  test("nodes: 1000, counted where they are made and removed, in a transaction too", () => {
    const owned = 12; // what xl makes for it
    let made = 0;
    for (; made < 1100; made++) {
      const path = `data/d${String(Math.floor(made / 100))}/${String(made)}`;
      if (one.ask(XS.WRITE, `${path}\0`) !== "OK") break;
    }
    expect(one.ask(XS.WRITE, "data/x\0")).toBe("-ENOSPC");
    expect(made + Math.ceil(made / 100) + owned).toBe(1000);
    expect(one.ask(XS.RM, "data/d0/1\0")).toBe("OK");
    // Room for one: two transactions that have nothing to do with each other cannot both have it.
    const [first, second] = [1, 2].map(() => Number(one.ask(XS.TRANSACTION_START, "\0")));
    expect(one.ask(XS.WRITE, "data/d1/x\0", first)).toBe("OK");
    expect(one.ask(XS.WRITE, "data/d2/x\0", second)).toBe("OK");
    expect(one.ask(XS.TRANSACTION_END, "T\0", first)).toBe("OK");
    expect(one.ask(XS.TRANSACTION_END, "T\0", second)).toBe("-ENOSPC");
    expect(one.ask(XS.RM, "data/d1/x\0")).toBe("OK");
    const tx = Number(one.ask(XS.TRANSACTION_START, "\0"));
    expect(one.ask(XS.WRITE, "data/x\0", tx)).toBe("OK");
    expect(one.ask(XS.WRITE, "data/y\0", tx)).toBe("-ENOSPC");
    expect(one.ask(XS.WRITE, "data/z\0")).toBe("OK");
    expect(one.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("-EAGAIN");
    expect(two.ask(XS.WRITE, "data/x\0")).toBe("OK");
    expect(one.ask(XS.RM, "data\0")).toBe("OK");
    expect(toolstack("mkdir", "/local/domain/1/data")).toBe("0");
    expect(toolstack("chmod", "/local/domain/1/data", "n1")).toBe("0");
    expect(one.ask(XS.WRITE, "data/x\0")).toBe("OK");
  });

  test("a node's size: value, permissions and the names in it", () => {
    expect(one.ask(XS.WRITE, `data/a\0${"x".repeat(2015)}`)).toBe("OK");
    expect(one.ask(XS.WRITE, `data/a\0${"x".repeat(2016)}`)).toBe("-ENOSPC");
    expect(one.ask(XS.WRITE, `data/b\0${"x".repeat(2016)}`)).toBe("-ENOSPC");
    expect(one.ask(XS.READ, "data/a\0")).toBe("x".repeat(2015));
    expect(one.ask(XS.SET_PERMS, "data/a\0n1\0r2\0")).toBe("-ENOSPC");
    let count = 0;
    while (one.ask(XS.WRITE, `data/long/${"n".repeat(200)}${String(count)}\0`) === "OK") count++;
    expect(count).toBe(9);
  });

  test("watches: 128; permissions: 5; transactions: 10", () => {
    for (let i = 0; i < 128; i++) expect(one.ask(XS.WATCH, `data\0${String(i)}\0`)).toBe("OK");
    expect(one.ask(XS.WATCH, "data\x007\0")).toBe("-EEXIST");
    expect(one.ask(XS.WATCH, "data\0one more\0")).toBe("-E2BIG");
    expect(one.ask(XS.UNWATCH, "data\x005\0")).toBe("OK");
    expect(one.ask(XS.WATCH, "data\0one more\0")).toBe("OK");
    expect(one.ask(XS.SET_PERMS, "data\0n1\0r2\0r3\0r4\0r5\0")).toBe("OK");
    expect(one.ask(XS.SET_PERMS, "data\0n1\0r2\0r3\0r4\0r5\0r6\0")).toBe("-ENOSPC");
    const ids = new Set(Array.from({ length: 10 }, () => one.ask(XS.TRANSACTION_START, "\0")));
    expect(ids.size).toBe(10);
    expect(one.ask(XS.TRANSACTION_START, "\0")).toBe("-ENOSPC");
    expect(two.ask(XS.TRANSACTION_START, "\0")).toBe("1");
    expect(one.ask(XS.RESET_WATCHES, "\0")).toBe("OK");
    expect(one.ask(XS.TRANSACTION_START, "\0")).not.toMatch(/^-/);
    expect(one.ask(XS.UNWATCH, "data\x006\0")).toBe("-ENOENT");
  });

  test("a nest a thousand deep can be made and removed", () => {
    const deep = "data" + "/d".repeat(950);
    expect(one.ask(XS.MKDIR, `${deep}\0`)).toBe("OK");
    expect(one.ask(XS.RM, "data/d\0")).toBe("OK");
    expect(one.ask(XS.DIRECTORY, "data\0")).toBe("");
  });

  test("a domain that does not take its replies is not served further, and the others are", () => {
    let asked = 0;
    for (; asked < 2000; asked++) {
      const request = encode({ type: XS.READ, id: asked, tx: 0, text: "name\0" });
      if (one.page.putRequest(request) < request.length) break;
      one.serve();
      expectAlive(two);
    }
    // The ring holds 45 replies of 22 bytes or 48 requests of 21, and 20 replies may wait outside.
    expect(asked).toBeLessThan(130);
    const ids = one.receive().map(({ id }) => id);
    expect(ids).toEqual(Array.from(ids.keys()));
    expect(ids.length).toBeGreaterThanOrEqual(asked - 1);
  });

  test("events that it does not take: each once, and none beyond its share", () => {
    one.ask(XS.WATCH, "data\0token\0");
    one.ask(XS.WRITE, "data/a\0");
    one.receive();
    for (let i = 0; i < 300; i++) toolstack("write", "/local/domain/1/data/a", String(i));
    const events = one.receive().filter(({ type }) => type === XS.WATCH_EVENT);
    expect(events.length).toBeLessThan(60);
    one.ask(XS.WATCH, `data\0${"t".repeat(4000)}\0`);
    one.receive();
    for (let i = 0; i < 300; i++) toolstack("write", "/local/domain/1/data/" + String(i), "");
    const long = one.receive().filter(({ text }) => text.length > 4000);
    expect(long.length).toBeGreaterThan(10);
    expect(long.length).toBeLessThan(70);
    expectAlive(one);
  });

  test("one that never stops asking does not keep serve() from returning, and it says that there is more", () => {
    const request = encode({ type: XS.READ, id: 1, tx: 0, text: "name\0" });
    // Another vCPU of the domain's, that takes what comes and asks again whenever the store looks.
    let looks = 0;
    let left = request;
    world.beforeLoad = (page, at) => {
      if (page !== one.page || at !== FIELD.reqProd || ++looks > 100_000) return;
      page.takeReply();
      for (let count = 1; count > 0;) {
        count = page.putRequest(left);
        left = count < left.length ? left.subarray(count) : request;
      }
    };
    expect(toolstack("serve", 1)).toBe("more");
    expect(toolstack("serve", 1)).toBe("more");
    expect(looks).toBeLessThan(5000);
    expectAlive(two);
  });
});

describe("transactions", () => {
  const begin = (domain: RawDomain): number => Number(domain.ask(XS.TRANSACTION_START, "\0"));

  test("of another domain, or that are over, do not exist", () => {
    const tx = begin(one);
    expect(two.ask(XS.READ, "name\0", tx)).toBe("-ENOENT");
    expect(two.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("-ENOENT");
    expect(one.ask(XS.READ, "name\0", 999)).toBe("-ENOENT");
    expect(one.ask(XS.TRANSACTION_START, "\0", tx)).toBe("-EBUSY");
    expect(one.ask(XS.TRANSACTION_END, "X\0", tx)).toBe("-EINVAL");
    expect(one.ask(XS.TRANSACTION_END, "F\0", tx)).toBe("OK");
    expect(one.ask(XS.TRANSACTION_END, "F\0", tx)).toBe("-ENOENT");
  });

  test("do not get around permissions", () => {
    const tx = begin(two);
    expect(two.ask(XS.READ, "/local/domain/1/name\0", tx)).toBe("-EACCES");
    expect(two.ask(XS.WRITE, "/local/domain/1/data/x\0x", tx)).toBe("-EACCES");
    expect(two.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("OK");
  });

  test("a conflict in what was only read, in a list, or in what was not there", () => {
    one.ask(XS.WRITE, "data/a\x001");
    const conflicts: [() => void, () => void][] = [
      [() => one.ask(XS.READ, "data/a\0", tx), () => toolstack("write", "/local/domain/1/data/a", "2")],
      [() => one.ask(XS.DIRECTORY, "data\0", tx), () => one.ask(XS.WRITE, "data/b\0")],
      [() => one.ask(XS.GET_PERMS, "data/a\0", tx), () => one.ask(XS.SET_PERMS, "data/a\0n1\0r2\0")],
      [() => one.ask(XS.READ, "data/new\0", tx), () => one.ask(XS.MKDIR, "data/new\0")],
      [() => one.ask(XS.WRITE, "data/a\0x", tx), () => one.ask(XS.RM, "data/a\0")],
      [() => one.ask(XS.RM, "data/b\0", tx), () => one.ask(XS.WRITE, "data/b/c\0")],
    ]; // prettier-ignore
    let tx = 0;
    for (const [see, change] of conflicts) {
      tx = begin(one);
      see();
      change();
      expect(one.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("-EAGAIN");
      tx = begin(one);
      see();
      expect(one.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("OK");
    }
  });

  test("that look at too much end with ENOSPC and ENOMEM, and leave nothing", () => {
    const tx = begin(one);
    let answer = "";
    for (let i = 0; i < 1100 && answer !== "-ENOSPC"; i++)
      answer = one.ask(XS.READ, `data/none${String(i)}\0`, tx);
    expect(answer).toBe("-ENOSPC");
    expect(one.ask(XS.TRANSACTION_END, "T\0", tx)).toBe("-ENOMEM");
    expectAlive(one);
  });
});

describe("watches", () => {
  const events = (domain: RawDomain): string[] =>
    domain
      .receive()
      .filter(({ type }) => type === XS.WATCH_EVENT)
      .map(({ text }) => text.replaceAll("\0", " ").trim());

  function watch(domain: RawDomain, path: string): void {
    expect(domain.ask(XS.WATCH, `${path}\0t\0`)).toBe("OK");
    domain.receive();
  }

  test("a removal is told of at the top, and to each watch below by its own path", () => {
    one.ask(XS.WRITE, "data/a/b/c\0x");
    watch(one, "data/a/b");
    watch(one, "data");
    toolstack("rm", "/local/domain/1/data/a");
    expect(events(one).sort()).toEqual(["data/a t", "data/a/b t"]);
  });

  test("nobody is told of what it may not read", () => {
    // Both would be told the same, with the same token: it is reported once.
    watch(two, "/local/domain/1");
    watch(two, "/");
    one.ask(XS.WRITE, "data/a\0x");
    expect(events(two)).toEqual([]);
    one.ask(XS.SET_PERMS, "data/a\0n1\0r2\0");
    expect(events(two)).toEqual(["/local/domain/1/data/a t"]);
    one.ask(XS.SET_PERMS, "data/a\0n1\0");
    expect(events(two)).toEqual(["/local/domain/1/data/a t"]);
    one.ask(XS.WRITE, "data/a\0y");
    expect(events(two)).toEqual([]);
  });

  test("the special ones are for the toolstack", () => {
    watch(one, "@releaseDomain");
    watch(one, "@introduceDomain");
    toolstack("watch", "@releaseDomain");
    toolstack("watch", "@introduceDomain");
    world.toolstack.said();
    new RawDomain(world, 3);
    toolstack("shut-down");
    world.release(3);
    expect(world.toolstack.said()).toEqual([
      "@introduceDomain: @introduceDomain",
      "@releaseDomain: @releaseDomain",
      "@releaseDomain: @releaseDomain",
    ]);
    expect(events(one)).toEqual([]);
    // As after a soft reset: it is not new.
    world.introduce(2, two.page, () => undefined);
    expect(world.toolstack.said()).toEqual([]);
  });

  test("the toolstack's own: once at first, then for what domains and itself change, until it has enough", () => {
    toolstack("watch", "/local/domain/1/data");
    expect(world.toolstack.said()).toEqual(["/local/domain/1/data: /local/domain/1/data"]);
    one.ask(XS.WRITE, "data/a\0x");
    two.ask(XS.WRITE, "data/a\0x");
    toolstack("write", "/local/domain/1/data/b", "x");
    expect(world.toolstack.said()).toEqual([
      "/local/domain/1/data: /local/domain/1/data/a",
      "/local/domain/1/data: /local/domain/1/data/b",
    ]);
    toolstack("unwatch", 0);
    one.ask(XS.WRITE, "data/a\0y");
    expect(world.toolstack.said()).toEqual([]);
  });
});

describe("rings", () => {
  const damages: [string, number, () => void][] = [
    ["more requests than a ring holds", 2, () => { one.page.set(FIELD.reqProd, one.page.get(FIELD.reqCons) + 1025); }],
    ["requests taken back", 2, () => { one.page.set(FIELD.reqProd, one.page.get(FIELD.reqCons) - 1); }],
    ["replies taken that were not there", 2, () => { one.page.set(FIELD.rspCons, one.page.get(FIELD.rspProd) + 1); one.page.putRequest(encode({ type: XS.READ, id: 1, tx: 0, text: "name\0" })); }],
    ["a request that is too long", 3, () => { one.page.putRequest(Buffer.concat([Buffer.alloc(12), Buffer.from([1, 16, 0, 0])])); }],
    ["a request of 4 GiB", 3, () => { one.page.putRequest(Buffer.concat([Buffer.alloc(12), Buffer.from([255, 255, 255, 255])])); }],
  ]; // prettier-ignore

  test.each(damages)(
    "%s: the domain is told, ignored, and may connect anew",
    (_what, error, damage) => {
      one.ask(XS.WATCH, "data\0t\0");
      one.ask(XS.TRANSACTION_START, "\0");
      one.receive();
      const { notified } = one;
      damage();
      one.serve();
      expect(one.page.get(FIELD.serverFeatures)).toBe(3);
      expect(one.page.get(FIELD.error)).toBe(error);
      expect(one.notified).toBeGreaterThan(notified);
      one.page.startAt(0);
      expect(one.ask(XS.READ, "name\0")).toBe("no reply");
      toolstack("write", "/local/domain/1/data/a", "1");
      expect(one.receive()).toEqual([]);
      expectAlive(two);

      one.page.set(FIELD.connection, 1);
      one.serve();
      expect(one.page.get(FIELD.connection)).toBe(0);
      expect(one.page.get(FIELD.error)).toBe(0);
      expect(one.page.counters).toEqual([0, 0, 0, 0]);
      expectAlive(one);
      expect(one.ask(XS.UNWATCH, "data\0t\0")).toBe("-ENOENT");
      expect(one.ask(XS.TRANSACTION_START, "\0")).not.toBe("-ENOSPC");
    },
  );

  test("half a request is waited for, and forgotten when the domain connects anew", () => {
    const request = encode({ type: XS.WRITE, id: 1, tx: 0, text: `data/a\0${"x".repeat(500)}` });
    one.page.putRequest(request.subarray(0, 300));
    one.serve();
    expect(one.receive()).toEqual([]);
    one.page.putRequest(request.subarray(300));
    one.serve();
    expect(one.receive()).toEqual([{ type: XS.WRITE, id: 1, tx: 0, text: "OK\0" }]);
    one.page.putRequest(request.subarray(0, 300));
    one.serve();
    one.page.set(FIELD.connection, 1);
    one.serve();
    expectAlive(one);
    one.page.putRequest(request.subarray(0, 300));
    one.serve();
    world.introduce(1, one.page, () => one.notified++);
    expectAlive(one);
  });

  test("a domain that waits to be introduced is told", () => {
    const { notified } = two;
    two.page.set(FIELD.connection, 1);
    world.introduce(2, two.page, () => two.notified++);
    expect(two.page.get(FIELD.connection)).toBe(0);
    expect(two.notified).toBe(notified + 1);
  });

  test("one whose counters wrap is like any other", () => {
    for (const counter of [0xffffff00, 0x7fffff00]) {
      one.page.startAt(counter);
      for (let i = 0; i < 50; i++)
        expect(one.ask(XS.WRITE, `data/a\0${"x".repeat(i * 30)}`)).toBe("OK");
    }
  });

  test("a released domain's is not touched any more", () => {
    world.release(1);
    const before = Buffer.from(one.page.bytes.buffer).toString("hex");
    toolstack("write", "/local/domain/1/data/a", "1");
    expect(toolstack("serve", 1)).toBe("");
    expect(Buffer.from(one.page.bytes.buffer).toString("hex")).toBe(before);
  });

  test("whatever a domain does at random, the store goes on, and the other domain's things are as they were", () => {
    const below = random(5);
    two.ask(XS.WRITE, "data/kept\0as it was");
    const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
    const paths = [
      "data/a",
      "data/a/b",
      "data",
      "/",
      "name",
      "/local/domain/2/data/kept",
      "@x",
      "",
      "a".repeat(3000),
    ];
    const types = Object.values(XS);
    const transactions = [0, 0, 0, 1, 2, 3, 77];
    for (let step = 0; step < 4000; step++) {
      const kind = below(100);
      if (kind < 80) {
        const rest = pick([
          "",
          "T\0",
          "F\0",
          "n1\0",
          "n1\0b2\0",
          "token\0",
          "x".repeat(below(2500)),
        ]);
        one.ask(pick(types), `${pick(paths)}\0${rest}`, pick(transactions));
      } else if (kind < 90) {
        one.send(Buffer.from(Array.from({ length: below(60) }, () => below(256))));
      } else if (kind < 95) {
        const field = pick([FIELD.reqProd, FIELD.reqCons, FIELD.rspProd, FIELD.rspCons]);
        one.page.set(field, one.page.get(field) + pick([1, -1, 700, 1024, 1025, 0x80000000]));
        one.serve();
      } else {
        one.page.set(FIELD.connection, 1);
        one.serve();
        one.receive();
      }
    }
    expect(two.ask(XS.READ, "data/kept\0")).toBe("as it was");
    expect(two.ask(XS.GET_PERMS, "data/kept\0")).toBe("n2");
    one = new RawDomain(world, 1);
    expectAlive(one);
    expectAlive(two);
  });
});

test("a domain's entries are made anew each time, and removed", () => {
  one.ask(XS.WRITE, "data/a\0x");
  world.release(1);
  one = new RawDomain(world, 1);
  expect(one.ask(XS.DIRECTORY, "data\0")).toBe("");
  expect(toolstack("ls", "/vm")).toBe(
    "00000000-0000-4000-8000-000000000002 00000000-0000-4000-8000-000000000001",
  );
  toolstack("remove-domain", 1);
  expect(toolstack("ls", "/local/domain")).toBe("0 2");
  expect(toolstack("ls", "/vm")).toBe("00000000-0000-4000-8000-000000000002");
  expect(toolstack("ls", "/local/domain/0/backend/console")).toBe("2");
});

test("a soft reset leaves a domain's entries as they were made, with its new ports, whatever it did to them", () => {
  const entries = (path: string): [string, string, string][] => [
    [path, one.ask(XS.READ, `${path}\0`), one.ask(XS.GET_PERMS, `${path}\0`)],
    ...one
      .ask(XS.DIRECTORY, `${path}\0`)
      .split(" ")
      .filter((name) => name !== "")
      .flatMap((name) => entries(`${path}/${name}`)),
  ];
  const home = "/local/domain/1";
  const made = entries(home);
  expect(made.length).toBeGreaterThan(30);
  const below = random(7);
  const nodes = [
    "data",
    "data/a",
    "data/a/b",
    "attr",
    "control/shutdown",
    "device/suspend/x",
    "error",
  ];
  const node = (): string => nodes[below(nodes.length)] ?? "";
  for (let round = 1; round <= 20; round++) {
    for (let step = 0; step < 30; step++) {
      const kind = below(10);
      if (kind < 5) one.ask(XS.WRITE, `${node()}\0${String(step)}`);
      else if (kind < 7) one.ask(XS.RM, `${node()}\0`);
      else if (kind < 9) one.ask(XS.SET_PERMS, `${node()}\0b1\0r2\0`);
      else one.ask(XS.MKDIR, `${node()}/${String(step)}\0`);
    }
    /* The control: there was something to put back. */
    expect(entries(home)).not.toEqual(made);
    const ports = [String(100 + round), String(200 + round)];
    toolstack("rewrite", 1, ...ports);
    expect(entries(home)).toEqual(
      made.map(([path, value, permissions]) => [
        path,
        path === `${home}/store/port`
          ? ports[0]
          : path === `${home}/console/port`
            ? ports[1]
            : value,
        permissions,
      ]),
    );
  }
});

test("what the toolstack wrote for a domain meanwhile is gone after its soft reset as well, and watches are told", () => {
  toolstack("watch", "/local/domain/1/control");
  toolstack("write", "/local/domain/1/control/shutdown", "poweroff");
  toolstack("write", "/local/domain/1/control/more", "1");
  world.toolstack.said();
  toolstack("rewrite", 1, 1, 2);
  expect(toolstack("read", "/local/domain/1/control/shutdown")).toBe("");
  expect(toolstack("read", "/local/domain/1/control/more")).toBe("-ENOENT");
  expect(world.toolstack.said().sort()).toEqual([
    "/local/domain/1/control: /local/domain/1/control",
    "/local/domain/1/control: /local/domain/1/control/more",
    "/local/domain/1/control: /local/domain/1/control/shutdown",
  ]);
});
