// Timers in the order in which they are due: a binary heap, O(log n) to add, to take the first and to take any.

import { Callback } from "./callback";

export class Timer {
  /** Its place in the heap; -1: in none. */
  index: i32 = -1;
  /** Of two with the same deadline the one added first is first. */
  sequence: u64 = 0;

  constructor(
    readonly id: i32,
    /** Xen system time, ns. */
    public deadline: u64,
    /** Of an interval, ns; 0: it is due once. */
    readonly period: u64,
    readonly callback: Callback,
  ) {}

  @inline isBefore(other: Timer): bool {
    return this.deadline != other.deadline ? this.deadline < other.deadline : this.sequence < other.sequence;
  }
}

export class TimerHeap {
  private items: Array<Timer> = [];
  /** How many were ever added: the next one's sequence number. */
  private added: u64 = 0;

  get length(): i32 {
    return this.items.length;
  }

  /** The one that is due first. Not to be called on an empty heap. */
  get first(): Timer {
    return this.items[0];
  }

  add(timer: Timer): void {
    timer.sequence = this.added++;
    this.items.push(timer);
    this.rise(timer, this.items.length - 1);
  }

  /** Takes out a timer that is in this heap. */
  remove(timer: Timer): void {
    const index = timer.index;
    const last = this.items.pop();
    timer.index = -1;
    if (last === timer) return;
    if (index > 0 && last.isBefore(this.items[(index - 1) >> 1])) this.rise(last, index);
    else this.sink(last, index);
  }

  /** Puts `timer` at `index` or above it, what is in its way moving down. */
  private rise(timer: Timer, index: i32): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = unchecked(this.items[parent]);
      if (!timer.isBefore(above)) break;
      this.place(above, index);
      index = parent;
    }
    this.place(timer, index);
  }

  /** Puts `timer` at `index` or below it, what is in its way moving up. */
  private sink(timer: Timer, index: i32): void {
    const length = this.items.length;
    while (2 * index + 1 < length) {
      let child = 2 * index + 1;
      let below = unchecked(this.items[child]);
      if (child + 1 < length) {
        const right = unchecked(this.items[child + 1]);
        if (right.isBefore(below)) {
          below = right;
          child++;
        }
      }
      if (timer.isBefore(below)) break;
      this.place(below, index);
      index = child;
    }
    this.place(timer, index);
  }

  @inline private place(timer: Timer, index: i32): void {
    unchecked((this.items[index] = timer));
    timer.index = index;
  }
}
