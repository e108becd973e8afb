// The store, as a guest sees it: `import { xenstore } from "xenlet/xenstore"`. docs/misc/xenstore.txt of Xen's has
// what the requests mean, xenstore-paths.pandoc what is there; docs/xenstore.md tells how to use this.
//
// Paths: those that do not begin with "/" are below the domain's own, /local/domain/<domid>. Errors: 0, or a
// negative errno. Those of the store: -ENOENT; -EACCES: the domain may not read or write it, or know about it; -EINVAL: no such
// path can be; -ENOSPC, -E2BIG: more than the store allows a domain. Those of the connection, for every call:
// -ENODEV: this domain has no store; -ETIMEDOUT: no answer in `timeout`, and the request may have been done all the
// same; -ENOTCONN: the connection is broken (`failure` says how) until open().
//
// On vCPU 0 only.

export { StoreList, StoreValue } from "./internal/xenstore/access";
export { Transaction, xenstore } from "./internal/xenstore/client";
export { storeErrorName } from "./internal/xenstore/error";
export { StoreWatch } from "./internal/xenstore/watch";
