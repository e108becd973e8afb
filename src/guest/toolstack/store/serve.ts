// One request of a domain: what it says, done, and the reply (docs/misc/xenstore.txt of Xen's).

import {
  XENSTORE_REL_PATH_MAX,
  XS_CONTROL,
  XS_DIRECTORY,
  XS_DIRECTORY_PART,
  XS_ERROR,
  XS_GET_DOMAIN_PATH,
  XS_GET_PERMS,
  XS_INTRODUCE,
  XS_IS_DOMAIN_INTRODUCED,
  XS_MKDIR,
  XS_READ,
  XS_RELEASE,
  XS_RESET_WATCHES,
  XS_RESUME,
  XS_RM,
  XS_SET_PERMS,
  XS_SET_TARGET,
  XS_TRANSACTION_END,
  XS_TRANSACTION_START,
  XS_UNWATCH,
  XS_WATCH,
  XS_WRITE,
} from "xenlet/raw/abi/xs_wire";
import { E2BIG, EACCES, EBUSY, EEXIST, EINVAL, ENOENT, ENOSPC, ENOSYS } from "xenlet/raw/errno";
import { storeErrorName } from "xenlet/internal/xenstore/error";
import { MessageBuffer } from "xenlet/internal/xenstore/page";
import { Connection } from "./connection";
import { Arguments, Content } from "./message";
import { MAY_READ, StoreNode, parsePermissions } from "./node";
import { look, mkdir, remove, setPermissions, write } from "./operations";
import { absolutePath, homeOf, isSpecialPath, isValidPath } from "./path";
import { QUOTA_TRANSACTIONS, QUOTA_WATCHES } from "./quota";
import { Transaction } from "./transaction";
import { StoreView, Tree } from "./tree";
import { Watch } from "./watch";

/** A request, while it is served. */
class Request {
  readonly type: u32;
  readonly id: u32;
  readonly transactionId: u32;
  readonly args: Arguments;
  readonly texts: Array<string>;
  readonly reply: Content = new Content();
  /** The watch that it set up: told of once, behind the reply. */
  newWatch: Watch | null = null;

  constructor(
    readonly tree: Tree,
    readonly from: Connection,
    message: MessageBuffer,
  ) {
    const header = message.header;
    this.type = header.type;
    this.id = header.req_id;
    this.transactionId = header.tx_id;
    const args = new Arguments(message.payload, header.len);
    this.args = args;
    this.texts = args.texts();
  }

  get domid(): u16 {
    return this.from.domid;
  }

  /** The only argument, as a path. Empty, which no path is, if there is not just one. */
  get path(): string {
    const text = this.args.text();
    return text ? absolutePath(this.domid, text) : "";
  }

  /** The first of several. */
  get firstPath(): string {
    return absolutePath(this.domid, this.texts[0]);
  }
}

/** Serves one request, and queues the reply. */
export function serveRequest(tree: Tree, from: Connection, message: MessageBuffer): void {
  const request = new Request(tree, from, message);
  let error = perform(request);
  if (error == 0 && request.reply.tooLong) error = -E2BIG;
  const content = error == 0 ? request.reply : new Content().text(storeErrorName(error));
  const type = error == 0 ? request.type : XS_ERROR;
  from.send(content.message(type, request.id, request.transactionId, false));
  const watch = request.newWatch;
  if (watch && error == 0) from.event(watch, watch.path);
}

/** 0, and the reply is filled in, or a negative errno. */
function perform(request: Request): i64 {
  switch (request.type) {
    case XS_WATCH:
      return watch(request);
    case XS_UNWATCH:
      return unwatch(request);
    case XS_CONTROL:
    case XS_INTRODUCE:
    case XS_RELEASE:
    case XS_IS_DOMAIN_INTRODUCED:
    case XS_RESUME:
    case XS_SET_TARGET:
      return -EACCES; // dom0's
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_READ:
    case XS_GET_PERMS:
    case XS_TRANSACTION_START:
    case XS_TRANSACTION_END:
    case XS_GET_DOMAIN_PATH:
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS:
    case XS_RESET_WATCHES:
      break;
    default:
      return -ENOSYS;
  }
  if (request.transactionId == 0) return performIn(request, request.tree, null);
  const transaction = request.from.transaction(request.transactionId);
  if (!transaction) return -ENOENT;
  const error = performIn(request, transaction, transaction);
  return transaction.overfull && request.type != XS_TRANSACTION_END ? -ENOSPC : error;
}

function performIn(request: Request, view: StoreView, transaction: Transaction | null): i64 {
  switch (request.type) {
    case XS_READ:
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_GET_PERMS:
      return readNode(request, view);
    case XS_WRITE: {
      if (request.texts.length < 1) return -EINVAL;
      const value = request.args.rest(request.texts, 1);
      return acknowledge(request, write(view, request.domid, request.firstPath, value));
    }
    case XS_MKDIR:
      return acknowledge(request, mkdir(view, request.domid, request.path));
    case XS_RM:
      return acknowledge(request, remove(view, request.domid, request.path));
    case XS_SET_PERMS:
      return acknowledge(request, setPerms(request, view));
    case XS_GET_DOMAIN_PATH:
      return domainPath(request);
    case XS_TRANSACTION_START:
      return transaction ? -EBUSY : start(request);
    case XS_TRANSACTION_END:
      return transaction ? acknowledge(request, end(request, transaction)) : -ENOENT;
    default: // XS_RESET_WATCHES
      request.from.watches = [];
      request.from.transactions = [];
      return acknowledge(request, 0);
  }
}

function acknowledge(request: Request, error: i64): i64 {
  if (error == 0) request.reply.text("OK");
  return error;
}

function readNode(request: Request, view: StoreView): i64 {
  const isPart = request.type == XS_DIRECTORY_PART;
  if (isPart && request.texts.length != 2) return -EINVAL;
  const found = look(view, request.domid, isPart ? request.firstPath : request.path, MAY_READ);
  const node = found.node;
  if (!node) return found.error;
  const reply = request.reply;
  if (request.type == XS_READ) reply.raw(node.value);
  else if (request.type == XS_DIRECTORY) {
    for (let i = 0; i < node.children.length; i++) reply.text(node.children[i]);
  } else if (request.type == XS_GET_PERMS) {
    for (let i = 0; i < node.permissions.length; i++) reply.text(node.permissions[i].toString());
  } else listPart(reply, node, request.texts[1]);
  return 0;
}

/** The children whose names begin at or after `from`, in bytes of the whole list; after the last, an empty one. */
function listPart(reply: Content, node: StoreNode, from: string): void {
  const offset = <i64>U64.parseInt(from);
  reply.text(node.generation.toString());
  let at: i64 = 0;
  for (let i = 0; i < node.children.length; i++) {
    const name = node.children[i];
    /* Room for the empty one as well. */
    if (at >= offset && !reply.fits(name.length + 1)) return;
    if (at >= offset) reply.text(name);
    at += name.length + 1;
  }
  reply.text("");
}

function setPerms(request: Request, view: StoreView): i64 {
  if (request.texts.length < 2) return -EINVAL;
  const permissions = parsePermissions(request.texts.slice(1));
  if (!permissions) return -EINVAL;
  if (isSpecialPath(request.texts[0])) return -EACCES;
  return setPermissions(view, request.domid, request.firstPath, permissions);
}

function domainPath(request: Request): i64 {
  const domid = request.args.text();
  if (!domid || domid.length == 0 || domid.length > 5) return -EINVAL;
  const number = U32.parseInt(domid);
  if (number.toString() != domid || number > <u32>u16.MAX_VALUE) return -EINVAL;
  request.reply.text(homeOf(<u16>number));
  return 0;
}

function watch(request: Request): i64 {
  if (request.texts.length != 2) return -EINVAL;
  const named = request.texts[0];
  const path = request.firstPath;
  if (isSpecialPath(named) ? named.length > <i32>XENSTORE_REL_PATH_MAX : !isValidPath(path)) return -EINVAL;
  const token = request.texts[1];
  const from = request.from;
  if (from.find(path, token) >= 0) return -EEXIST;
  if (from.watches.length >= QUOTA_WATCHES) return -E2BIG;
  const watch = new Watch(path, token, path == named ? "" : homeOf(from.domid));
  from.watches.push(watch);
  request.newWatch = watch;
  return acknowledge(request, 0);
}

function unwatch(request: Request): i64 {
  if (request.texts.length != 2) return -EINVAL;
  const at = request.from.find(request.firstPath, request.texts[1]);
  if (at < 0) return -ENOENT;
  request.from.watches.splice(at, 1);
  return acknowledge(request, 0);
}

function start(request: Request): i64 {
  const from = request.from;
  if (from.transactions.length >= QUOTA_TRANSACTIONS) return -ENOSPC;
  const transaction = new Transaction(request.tree, from.domid, from.newTransactionId());
  from.transactions.push(transaction);
  request.reply.text(transaction.id.toString());
  return 0;
}

/** Whatever the outcome, the transaction has ended. */
function end(request: Request, transaction: Transaction): i64 {
  const how = request.args.text();
  if (!how || (how != "T" && how != "F")) return -EINVAL;
  request.from.endTransaction(transaction);
  return how == "T" ? transaction.commit() : 0;
}
