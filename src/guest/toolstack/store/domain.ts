// What xl writes into the store for a PVH domain, with its permissions, and what a domain reads there:
// libxl__domain_make() and libxl__build_post() of libxl, 4.17, and docs/misc/xenstore-paths.pandoc.
//
// /libxl, which no domain may read, is left out.

import { Store } from "../store";
import { homeOf } from "./path";
import { Snapshot } from "./snapshot";

/** What xl knows about a domain, and writes for it. */
export class DomainEntry {
  name: string = "";
  /** As 8-4-4-4-12 hexadecimal digits. */
  uuid: string = "";
  /** In KiB: what it should make do with, and what it may have at most. */
  memoryTarget: u64 = 0;
  memoryMax: u64 = 0;
  vcpus: u32 = 1;
  /** The domain's ports, and its frames. */
  storePort: u32 = 0;
  storeFrame: u64 = 0;
  consolePort: u32 = 0;
  consoleFrame: u64 = 0;
  /** When it was started, in seconds since 1970. */
  startTime: u64 = 0;

  constructor(readonly domid: u16) {}
}

/** Makes a node with permissions of its own. */
function node(store: Store, path: string, permissions: Array<string>): void {
  store.mkdir(path);
  store.setPermissions(path, permissions);
}

/** Writes the entries below `path`; what is new there has the permissions of what it is in. */
function entries(store: Store, path: string, pairs: Array<string>): void {
  for (let i = 0; i < pairs.length; i += 2) store.write(path + "/" + pairs[i], pairs[i + 1]);
}

/** What a domain may write. */
const OWN_NODES: StaticArray<string> = [
  "device/suspend/event-channel",
  "control/shutdown",
  "control/feature-poweroff",
  "control/feature-reboot",
  "control/feature-suspend",
  "control/sysrq",
  "data",
  "drivers",
  "feature",
  "attr",
  "error",
];

/** Replaces whatever an earlier domain with this id left. Before the domain is introduced. */
export function writeDomain(store: Store, entry: DomainEntry): void {
  const id = entry.domid.toString();
  const home = homeOf(entry.domid);
  const vm = "/vm/" + entry.uuid;
  const readable = ["n0", "r" + id];
  removeDomain(store, entry.domid);
  node(store, home, readable);
  node(store, vm, readable);
  entries(store, vm, [
    "uuid",
    entry.uuid,
    "name",
    entry.name,
    "start_time",
    entry.startTime.toString() + ".00",
  ]);
  entries(store, home, ["vm", vm, "name", entry.name]);
  node(store, home + "/cpu", readable);
  node(store, home + "/memory", readable);
  node(store, home + "/device", readable);
  node(store, home + "/control", readable);
  for (let i = 0; i < OWN_NODES.length; i++) node(store, home + "/" + OWN_NODES[i], ["n" + id]);
  entries(store, home, [
    "control/platform-feature-multiprocessor-suspend",
    "1",
    "control/platform-feature-xs_reset_watches",
    "1",
    "memory/static-max",
    entry.memoryMax.toString(),
    "memory/target",
    entry.memoryTarget.toString(),
    "memory/videoram",
    "0",
    "domid",
    id,
    "store/port",
    entry.storePort.toString(),
    "store/ring-ref",
    entry.storeFrame.toString(),
  ]);
  for (let i: u32 = 0; i < entry.vcpus; i++)
    store.write(home + "/cpu/" + i.toString() + "/availability", "online");
  writeConsole(store, entry);
}

function backendOf(domid: u16): string {
  return homeOf(0) + "/backend/console/" + domid.toString() + "/0";
}

/** What writeDomain() has just written. */
export function snapshotOf(store: Store, entry: DomainEntry): Snapshot {
  return store.snapshot([homeOf(entry.domid), "/vm/" + entry.uuid, backendOf(entry.domid)]);
}

/** As writeDomain() had it, but for the ports, which are the entry's: nothing else is new after a soft reset. */
export function rewriteDomain(store: Store, entry: DomainEntry, written: Snapshot): void {
  store.restore(written);
  store.write(homeOf(entry.domid) + "/store/port", entry.storePort.toString());
  store.write(homeOf(entry.domid) + "/console/port", entry.consolePort.toString());
}

function writeConsole(store: Store, entry: DomainEntry): void {
  const id = entry.domid.toString();
  const front = homeOf(entry.domid) + "/console";
  const back = backendOf(entry.domid);
  node(store, front, ["n0", "r" + id]);
  entries(store, front, [
    "backend",
    back,
    "limit",
    "1048576",
    "type",
    "xenconsoled",
    "output",
    "pty",
    "tty",
    "",
    "port",
    entry.consolePort.toString(),
    "ring-ref",
    entry.consoleFrame.toString(),
  ]);
  store.write(front + "/backend-id", "0");
  store.setPermissions(front + "/backend-id", ["n" + id, "r0"]);
  node(store, back, ["n0", "r" + id]);
  entries(store, back, [
    "frontend",
    front,
    "frontend-id",
    id,
    "online",
    "1",
    "state",
    "1",
    "protocol",
    "vt100",
  ]);
}

/** Removes what writeDomain() wrote. */
export function removeDomain(store: Store, domid: u16): void {
  const home = homeOf(domid);
  const vm = store.read(home + "/vm");
  if (vm) store.rm(vm);
  store.rm(home);
  store.rm(homeOf(0) + "/backend/console/" + domid.toString());
}

/** Asks the domain for `poweroff`, `reboot`, `suspend` or the like; it writes the empty string back when it has heard. */
export function requestShutdown(store: Store, domid: u16, command: string): i64 {
  return store.write(homeOf(domid) + "/control/shutdown", command);
}
