// Every way in which a function may hold an object while another one collects. Each allocation is followed by a whole
// collection, and by others that take the place of what was freed and write over it.

class Thing {
  constructor(public id: i32) {}

  plus(other: Thing): i32 {
    return this.id + other.id;
  }
  self(): Thing {
    return this;
  }
  /** Collects while only the caller may hold `this`. */
  late(): i32 {
    collect();
    return this.id;
  }
}

class Special extends Thing {
  late(): i32 {
    const other = fresh(this.id);
    return this.plus(other) - other.id;
  }
}

class Holder {
  thing: Thing = new Thing(0);
  list: Array<Thing> = [];
  next: Holder | null = null;

  get held(): Thing {
    return this.thing;
  }
}

class Pair {
  constructor(
    public a: Thing,
    public b: Thing,
  ) {}
}

let junk: StaticArray<i32>[] = [];

function collect(): void {
  __collect();
  junk = [];
  for (let i = 0; i < 100; i++) {
    const words = new StaticArray<i32>(1 + (i & 3));
    for (let j = 0; j < words.length; j++) words[j] = -1;
    junk.push(words);
  }
}

function fresh(id: i32): Thing {
  const thing = id & 1 ? new Thing(id) : new Special(id);
  collect();
  return thing;
}

function first(a: Thing, b: Thing): i32 {
  return a.id * 100 + b.id;
}
function same(thing: Thing): Thing {
  return thing;
}
function later(thing: Thing): i32 {
  collect();
  return thing.id;
}
function laterOfTwo(a: Thing, b: Thing): i32 {
  collect();
  return a.id * 100 + b.id;
}
function depth(thing: Thing, n: i32): i32 {
  if (n == 0) return later(thing);
  const mine = fresh(n);
  const rest = depth(mine, n - 1);
  return rest + mine.id - n + thing.id - thing.id;
}
function maybe(id: i32): Thing | null {
  return id > 0 ? fresh(id) : null;
}
function elementOf(list: Array<Thing>): Thing {
  return list[0];
}
function dropped(): i32 {
  let list = [fresh(31)];
  const kept = list[0];
  list = [];
  collect();
  return kept.id;
}
function held(): i32 {
  let holder = new Holder();
  holder.thing = fresh(33);
  const kept = holder.held;
  holder = new Holder();
  collect();
  return kept.id + holder.thing.id;
}
function chain(): i32 {
  let head: Holder | null = null;
  for (let i = 1; i <= 10; i++) {
    const one = new Holder();
    one.thing = fresh(i);
    one.list.push(fresh(i));
    one.next = head;
    head = one;
  }
  let sum = 0;
  while (head) {
    sum += head.thing.id + head.list[0].id;
    head = head.next;
  }
  return sum;
}
function text(): string {
  return "a" + fresh(1).id.toString() + "b".repeat(2) + same(fresh(3)).id.toString();
}

/** 0, or the number of the first that came out wrong. */
export function check(): i32 {
  if (first(fresh(1), fresh(2)) != 102) return 1;
  if (same(fresh(3)).plus(fresh(4)) != 7) return 2;
  if (
    fresh(5)
      .self()
      .self()
      .plus(same(fresh(6)).self()) != 11
  )
    return 3;
  if (later(fresh(7)) != 7) return 4;
  if (laterOfTwo(fresh(8), same(fresh(9))) != 809) return 5;
  if (fresh(10).late() != 10 || fresh(11).late() != 11) return 6;
  const a = fresh(12);
  const b = fresh(13);
  if (a.plus(b) != 25 || b.id != 13) return 7;
  if (depth(fresh(14), 12) != 1) return 8;
  if (maybe(15)!.id + maybe(16)!.id != 31 || maybe(0) !== null) return 9;
  const pair = new Pair(fresh(17), same(fresh(18)));
  collect();
  if (first(pair.a, pair.b) != 1718) return 10;
  if (dropped() != 31) return 11;
  if (held() != 33) return 12;
  if (chain() != 110) return 13;
  if (text() != "a1bb3") return 14;
  const call: (thing: Thing) => i32 = later;
  if (call(fresh(19)) + call(same(fresh(20))) != 39) return 15;
  if (elementOf([fresh(21), fresh(22)]).plus(fresh(23)) != 44) return 16;
  const things = [fresh(24), fresh(25)].map<i32>((thing: Thing) => thing.late());
  if (things[0] + things[1] != 49) return 17;
  return 0;
}

/** Calls nothing, and is not called. */
export function nobody(): void {}
