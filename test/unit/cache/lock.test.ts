/**
 * The lock. What it shows: one holder at a time, and no holder outlives its process.
 * Why it matters: a lock left behind by a killed xenlet would stop every later one.
 * How it would fail: both bodies inside at once, or a wait without end.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../../src/host/cache/lock.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
  file = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

test("one at a time", async () => {
  let inside = 0;
  let most = 0;
  const body = async (held: boolean) => {
    expect(held).toBe(true);
    most = Math.max(most, (inside += 1));
    await delay(30);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 4 }, () => withLock(file, {}, body)));
  expect(most).toBe(1);
});

test("released when the body throws", async () => {
  await expect(withLock(file, {}, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(file, {}, () => Promise.resolve("again"))).toBe("again");
});

test("what is done under it does not wait for it, and others still do", async () => {
  const order: string[] = [];
  const outer = withLock(file, {}, async () => {
    order.push("outer");
    await withLock(file, {}, async () => {
      await delay(30);
      order.push("inner");
    });
    await delay(30);
    order.push("outer again");
  });
  await delay(200);
  const other = withLock(file, {}, () => Promise.resolve(order.push("other")));
  await Promise.all([outer, other]);
  expect(order).toEqual(["outer", "inner", "outer again", "other"]);
});

test("somebody else's: told about once, and aborting ends the wait", async () => {
  const other = spawn("flock", [file, "sh", "-c", "echo held; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  await once(other.stdout, "data");
  let told = 0;
  const controller = new AbortController();
  const waiting = withLock(file, { signal: controller.signal, onWait: () => (told += 1) }, () =>
    Promise.resolve("entered"),
  );
  setTimeout(() => {
    controller.abort(new Error("enough"));
  }, 600);
  await expect(waiting).rejects.toThrow("enough");
  expect(told).toBe(1);

  // Killed as hard as can be, with what it started: the kernel gives the lock back.
  process.kill(-(other.pid ?? 0), "SIGKILL");
  expect(await withLock(file, {}, () => Promise.resolve("entered"))).toBe("entered");
});
