// What `import { ... } from "xenlet/toolstack"` gives a program that Xen boots as its dom0.

export { DomainConfig, buildDomain, createEmpty } from "xenlet/toolstack/builder";
export { guestFiles } from "xenlet/toolstack/bundle";
export { Config, OnSoftReset } from "xenlet/toolstack/config";
export { Typing } from "xenlet/toolstack/console-input";
export { Domain, DomainInfo } from "xenlet/toolstack/domain";
export { DOMAIN_STATE, domainState, stateField } from "xenlet/toolstack/domain-state";
export { Guest } from "xenlet/toolstack/guest";
export { Image } from "xenlet/toolstack/image";
export { onConsoleLine, report } from "xenlet/toolstack/report";
export { LocalWatch, Store, store } from "xenlet/toolstack/store";
