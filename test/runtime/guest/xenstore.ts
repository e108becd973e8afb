// The store's client, told what to do by lines of text, for the tests beside this file.

import { control } from "xenlet/internal/reset/control";
import { describeResult } from "xenlet/raw/errno";
import { runLoop, waitForEvents } from "xenlet/internal/loop/loop";
import { softReset, xen } from "xenlet/internal/reset/soft-reset";
import { systemTime } from "xenlet/internal/time/time";
import { StoreList, StoreValue, StoreWatch, Transaction, xenstore } from "xenlet/xenstore";

const line = memory.data(65536);

export function lineAt(): usize {
  return line;
}

class Named {
  calls: i32 = 0;

  constructor(readonly name: string) {}
}

const transactions: Array<Transaction> = [];
const watches: Array<StoreWatch> = [];

function shownValue(value: StoreValue): string {
  return value.error != 0 ? describeResult(value.error) : value.value;
}

function shownList(list: StoreList): string {
  return list.error != 0 ? describeResult(list.error) : list.items.join(" ");
}

function setUp(watch: StoreWatch): string {
  watches.push(watch);
  return watch.error != 0 ? describeResult(watch.error) : (watches.length - 1).toString();
}

/** A transaction that tries again: adds one to a number; with `spoil`, it is changed meanwhile each time. */
function addOne(transaction: Transaction, path: Named): i64 {
  path.calls++;
  const before = transaction.read(path.name);
  if (before.error != 0) return before.error;
  if (path.calls == 1) xenstore.write(path.name, "10");
  return transaction.write(path.name, (I32.parseInt(before.value) + 1).toString());
}

function access(words: Array<string>): string {
  const what = words[0];
  const path = words.length > 1 ? words[1] : "";
  const text = words.slice(2).join(" ");
  if (what == "read") return shownValue(xenstore.read(path));
  if (what == "write") return describeResult(xenstore.write(path, text));
  if (what == "mkdir") return describeResult(xenstore.mkdir(path));
  if (what == "rm") return describeResult(xenstore.rm(path));
  if (what == "ls") return shownList(xenstore.directory(path));
  if (what == "perms") return shownList(xenstore.getPermissions(path));
  if (what == "chmod") return describeResult(xenstore.setPermissions(path, words.slice(2)));
  return "?";
}

function inTransaction(transaction: Transaction, words: Array<string>): string {
  const what = words[0];
  const path = words[1];
  if (what == "read") return shownValue(transaction.read(path));
  if (what == "write") return describeResult(transaction.write(path, words.slice(2).join(" ")));
  if (what == "mkdir") return describeResult(transaction.mkdir(path));
  if (what == "rm") return describeResult(transaction.rm(path));
  if (what == "ls") return shownList(transaction.directory(path));
  return "?";
}

function watching(words: Array<string>): string {
  const argument = words.length > 1 ? words[1] : "";
  const token = words.length > 2 ? words[2] : "";
  if (words[0] == "watch") return setUp(xenstore.watch(argument, token));
  if (words[0] == "on") {
    const watch = xenstore.on<Named>(argument, new Named(argument), (named, path) => {
      console.log(named.name + ": " + path);
    });
    return setUp(watch);
  }
  if (words[0] == "on-reading") {
    const watch = xenstore.on<Named>(argument, new Named(argument), (named, path) => {
      console.log(path + " = " + shownValue(xenstore.read(path)));
    });
    return setUp(watch);
  }
  const watch = watches[I32.parseInt(argument)];
  if (words[0] == "stop") return describeResult(watch.stop());
  if (words[0] == "error") return describeResult(watch.error);
  const path = watch.wait(systemTime() + U64.parseInt(words[2]) * 1_000_000);
  return path ? path : describeResult(watch.error);
}

function perform(words: Array<string>): string {
  const what = words[0];
  const argument = words.length > 1 ? words[1] : "";
  if (what == "open") return describeResult(xenstore.open());
  if (what == "failure") return xenstore.failure;
  if (what == "timeout") {
    xenstore.timeout = U64.parseInt(argument) * 1_000_000;
    return "";
  }
  if (what == "home") return shownValue(xenstore.getDomainPath(<u16>I32.parseInt(argument)));
  if (what == "reset-watches") return describeResult(xenstore.resetWatches());
  if (what == "begin") {
    transactions.push(xenstore.begin());
    const error = transactions[transactions.length - 1].error;
    return error != 0 ? describeResult(error) : (transactions.length - 1).toString();
  }
  if (what == "commit") return describeResult(transactions[I32.parseInt(argument)].commit());
  if (what == "abort") return describeResult(transactions[I32.parseInt(argument)].abort());
  if (what == "add") {
    const path = new Named(argument);
    return describeResult(xenstore.transact(path, addOne)) + " " + path.calls.toString();
  }
  if (what == "write-size")
    return describeResult(xenstore.write(argument, "x".repeat(I32.parseInt(words[2]))));
  if (what == "read-size") return xenstore.read(argument).bytes.length.toString();
  if (what == "turn") {
    for (let i = 0; i < 8; i++) waitForEvents(systemTime() + 1_000_000);
    return "";
  }
  if (what == "loop") {
    runLoop();
    return "";
  }
  if (what == "soft-reset") {
    softReset.prepare();
    softReset.request();
    return "";
  }
  if (what == "attach") {
    xen.attach();
    return "";
  }
  if (what == "control") {
    if (argument == "obey") return describeResult(control.obeyShutdown());
    if (argument == "stop") return describeResult(control.stop());
    const handled = argument == "handle";
    return describeResult(
      control.onShutdown<Named>(
        new Named(handled ? "handled" : "seen"),
        (named, command) => {
          console.log(named.name + " " + command);
          return named.name == "handled";
        },
        handled,
      ),
    );
  }
  if (
    what == "watch" ||
    what == "on" ||
    what == "on-reading" ||
    what == "stop" ||
    what == "wait" ||
    what == "error"
  )
    return watching(words);
  if (what.startsWith("tx"))
    return inTransaction(transactions[I32.parseInt(what.substring(2))], words.slice(1));
  return access(words);
}

/** Runs the line of `size` bytes at lineAt(), and leaves the answer there: its bytes. */
export function run(size: i32): i32 {
  const answer = perform(String.UTF8.decodeUnsafe(line, size).split(" "));
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(answer), answer.length, line);
}
