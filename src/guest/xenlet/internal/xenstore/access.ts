// What can be asked of the store, inside a transaction and outside of one. xenstore.ts has what a guest calls, and
// what the errors mean.

import {
  XS_DIRECTORY,
  XS_DIRECTORY_PART,
  XS_GET_PERMS,
  XS_MKDIR,
  XS_READ,
  XS_RM,
  XS_SET_PERMS,
  XS_WRITE,
} from "../../raw/abi/xs_wire";
import { E2BIG, EAGAIN, EIO, ENOSYS } from "../../raw/errno";
import { StoreConnection } from "./connection";
import { payload } from "./request";

/** How often reading a list that changes meanwhile is started again. */
const DIRECTORY_TRIES = 16;

/** What read() found. */
export class StoreValue {
  /** 0, or a negative errno, and then there is no value. */
  error: i64 = 0;
  /** As the store has it. Any byte may be in it. */
  bytes: StaticArray<u8> = [];

  /** The bytes as UTF-8. */
  get value(): string {
    return String.UTF8.decodeUnsafe(changetype<usize>(this.bytes), this.bytes.length);
  }
}

/** What directory() and getPermissions() found. */
export class StoreList {
  /** 0, or a negative errno, and then there are no items. */
  error: i64 = 0;
  items: Array<string> = [];
}

/** What can be done in a transaction and outside of one. */
export class StoreAccess {
  /** The transaction; 0: none. And the connection's opening that it belongs to. */
  protected id: u32 = 0;
  protected epoch: u32 = 0;

  constructor(readonly connection: StoreConnection) {}

  /** A request whose payload is the path alone. */
  protected ask(type: u32, path: string): i64 {
    payload.begin();
    payload.text(path);
    return this.request(type);
  }

  /** Sends the payload as a request of `type` (XS_*, xs_wire.h) and waits for its answer; 0 or a negative errno. */
  protected request(type: u32): i64 {
    return this.connection.request(type, this.id, this.epoch);
  }

  /** A node's value; its `error` is a negative errno if there is none. */
  read(path: string): StoreValue {
    const value = new StoreValue();
    value.error = this.ask(XS_READ, path);
    if (value.error == 0) value.bytes = this.connection.reply;
    return value;
  }

  /** Writes a value as UTF-8. What is missing of the path is made, and belongs to this domain. */
  write(path: string, value: string): i64 {
    payload.begin();
    payload.text(path);
    payload.characters(value);
    return this.request(XS_WRITE);
  }

  /** The same for a value of any bytes. */
  writeBytes(path: string, value: StaticArray<u8>): i64 {
    payload.begin();
    payload.text(path);
    payload.bytes(changetype<usize>(value), value.length);
    return this.request(XS_WRITE);
  }

  /** Makes the path if it is not there; a value that is there stays. */
  mkdir(path: string): i64 {
    return this.ask(XS_MKDIR, path);
  }

  /** Removes the path and all below it. 0 also if it is not there; -ENOENT if what it would be in is not there. */
  rm(path: string): i64 {
    return this.ask(XS_RM, path);
  }

  /** The names of what is right below the path. -EAGAIN: the list never stood still. */
  directory(path: string): StoreList {
    const list = new StoreList();
    list.error = this.ask(XS_DIRECTORY, path);
    if (list.error == 0) list.items = this.connection.replyTexts;
    else if (list.error == -E2BIG) this.longDirectory(path, list);
    return list;
  }

  /** A list of more than XENSTORE_PAYLOAD_MAX bytes comes in parts, each with the generation of the list it is of. */
  private longDirectory(path: string, list: StoreList): void {
    for (let tries = 0; tries < DIRECTORY_TRIES; tries++) {
      list.items = [];
      list.error = this.directoryParts(path, list.items);
      if (list.error != -EAGAIN) break;
    }
    if (list.error != 0) list.items = [];
    if (list.error == -ENOSYS) list.error = -E2BIG;
  }

  private directoryParts(path: string, items: Array<string>): i64 {
    let generation = "";
    let offset = 0;
    while (true) {
      payload.begin();
      payload.text(path);
      payload.text(offset.toString());
      const result = this.request(XS_DIRECTORY_PART);
      if (result < 0) return result;
      const part = this.connection.replyTexts;
      /* The generation; names; and behind the last name of all, an empty one. */
      if (part.length < 2) return -EIO;
      if (offset == 0) generation = part[0];
      if (part[0] != generation) return -EAGAIN;
      for (let i = 1; i < part.length; i++) {
        if (part[i].length == 0) return 0;
        items.push(part[i]);
        offset += String.UTF8.byteLength(part[i], true);
      }
    }
  }

  /** Who may do what, as `xenstore-ls -p` shows it: first the owner and what all others may, then single domains. */
  getPermissions(path: string): StoreList {
    const list = new StoreList();
    list.error = this.ask(XS_GET_PERMS, path);
    if (list.error == 0) list.items = this.connection.replyTexts;
    return list;
  }

  /**
   * For the owner of the path. Each entry is `n`, `r`, `w` or `b` (none, read, write, both) and a domain id. The first
   * names the owner, who may do everything, and gives what a domain without an entry may: ["n1", "r0"].
   */
  setPermissions(path: string, permissions: Array<string>): i64 {
    payload.begin();
    payload.text(path);
    for (let i = 0; i < permissions.length; i++) payload.text(permissions[i]);
    return this.request(XS_SET_PERMS);
  }
}
