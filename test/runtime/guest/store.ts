// The toolstack's store, told what to do by lines of text, for the tests beside this file.

import { describeResult } from "xenlet/raw/errno";
import { LocalWatch, store } from "xenlet/toolstack/store";
import {
  DomainEntry,
  removeDomain,
  requestShutdown,
  rewriteDomain,
  snapshotOf,
  writeDomain,
} from "xenlet/toolstack/store/domain";
import { Snapshot } from "xenlet/toolstack/store/snapshot";

const line = memory.data(65536);

export function lineAt(): usize {
  return line;
}

const watches: Array<LocalWatch> = [];

class Named {
  constructor(readonly name: string) {}
}

const entries: Map<u16, DomainEntry> = new Map();
const snapshots: Map<u16, Snapshot> = new Map();

function domain(domid: u16): void {
  const entry = new DomainEntry(domid);
  entry.name = "guest" + domid.toString();
  entry.uuid = "00000000-0000-4000-8000-00000000000" + domid.toString();
  entry.memoryTarget = entry.memoryMax = 32768;
  entry.vcpus = 2;
  entry.storePort = 1;
  entry.storeFrame = 0xfeffc;
  entry.consolePort = 2;
  entry.consoleFrame = 0xfefff;
  writeDomain(store, entry);
  entries.set(domid, entry);
  snapshots.set(domid, snapshotOf(store, entry));
}

function rewrite(domid: u16, storePort: u32, consolePort: u32): void {
  const entry = entries.get(domid);
  entry.storePort = storePort;
  entry.consolePort = consolePort;
  rewriteDomain(store, entry, snapshots.get(domid));
}

function perform(words: Array<string>): string {
  const what = words[0];
  const argument = words.length > 1 ? words[1] : "";
  const domid = <u16>I32.parseInt(argument);
  if (what == "domain") domain(domid);
  else if (what == "rewrite") rewrite(domid, U32.parseInt(words[2]), U32.parseInt(words[3]));
  else if (what == "remove-domain") removeDomain(store, domid);
  else if (what == "introduce") store.introduce(domid, <usize>U32.parseInt(words[2]), U32.parseInt(words[3]));
  else if (what == "release") store.release(domid);
  else if (what == "serve") return store.serve(domid) ? "more" : "";
  else if (what == "shut-down") store.domainShutDown();
  else if (what == "ask") return describeResult(requestShutdown(store, domid, words[2]));
  else if (what == "read") {
    const value = store.read(argument);
    return value === null ? "-ENOENT" : value;
  } else if (what == "ls") {
    const names = store.directory(argument);
    return names === null ? "-ENOENT" : names.join(" ");
  } else if (what == "write") return describeResult(store.write(argument, words.slice(2).join(" ")));
  else if (what == "mkdir") return describeResult(store.mkdir(argument));
  else if (what == "rm") return describeResult(store.rm(argument));
  else if (what == "chmod") return describeResult(store.setPermissions(argument, words.slice(2)));
  else if (what == "fill") {
    for (let i = 0; i < I32.parseInt(words[2]); i++) store.write(argument + "/child-" + i.toString(), "");
  } else if (what == "watch") {
    const watch = store.watch<Named>(argument, new Named(argument), (named, path) => {
      console.log(named.name + ": " + path);
    });
    watches.push(watch);
  } else if (what == "unwatch") store.unwatch(watches[I32.parseInt(argument)]);
  else return "?";
  return "";
}

/** Runs the line of `size` bytes at lineAt(), and leaves the answer there: its bytes. */
export function run(size: i32): i32 {
  const answer = perform(String.UTF8.decodeUnsafe(line, size).split(" "));
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(answer), answer.length, line);
}
