// One node of the store, and who may do what with it.

/** What a permission allows: bits. */
export const MAY_READ: u32 = 1;
export const MAY_WRITE: u32 = 2;
/** The owner's, and dom0's. */
export const MAY_ALL: u32 = 7;
export const MAY_OWN: u32 = 4;

/** `n`, `r`, `w`, `b`: by their bits. */
const LETTERS = "nrwb";

export class Permission {
  constructor(
    readonly domid: u16,
    /** MAY_READ and MAY_WRITE. */
    readonly access: u32,
  ) {}

  /** As the store writes it: a letter and a domain id. */
  toString(): string {
    return LETTERS.charAt(this.access) + this.domid.toString();
  }

  /** Null if it is not a permission, such as `r5`. */
  static parse(text: string): Permission | null {
    const access = text.length < 2 ? -1 : LETTERS.indexOf(text.charAt(0));
    if (access < 0) return null;
    let domid = 0;
    for (let i = 1; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9) return null;
      domid = domid * 10 + digit;
      if (domid > <i32>u16.MAX_VALUE) return null;
    }
    return new Permission(<u16>domid, <u32>access);
  }
}

/** All of them, or null if one is invalid. */
export function parsePermissions(texts: Array<string>): Array<Permission> | null {
  const permissions: Array<Permission> = [];
  for (let i = 0; i < texts.length; i++) {
    const permission = Permission.parse(texts[i]);
    if (!permission) return null;
    permissions.push(permission);
  }
  return permissions;
}

export class StoreNode {
  /** What the store's counter stood at when it was last changed. */
  generation: u64 = 0;
  value: StaticArray<u8> = [];
  /** Names, in the order in which they were made. */
  children: Array<string> = [];

  constructor(
    readonly path: string,
    /** The first names the owner, and what everybody else may; the others are for single domains. */
    public permissions: Array<Permission>,
  ) {}

  get owner(): u16 {
    return this.permissions[0].domid;
  }

  /** What `domid` may do with it. */
  allows(domid: u16): u32 {
    return allowed(this.permissions, domid);
  }

  /** A copy to be changed: arrays are replaced, or copied before they are. */
  copy(): StoreNode {
    const copy = new StoreNode(this.path, this.permissions);
    copy.generation = this.generation;
    copy.value = this.value;
    copy.children = this.children.slice();
    return copy;
  }

  /** Bytes that the list of children takes in a reply: each name and its NUL. */
  get childrenSize(): u32 {
    let size = 0;
    for (let i = 0; i < this.children.length; i++) size += this.children[i].length + 1;
    return size;
  }
}

/** The same for permissions that a node had. */
export function allowed(permissions: Array<Permission>, domid: u16): u32 {
  if (domid == 0 || permissions[0].domid == domid) return MAY_ALL;
  for (let i = 1; i < permissions.length; i++) {
    if (permissions[i].domid == domid) return permissions[i].access;
  }
  return permissions[0].access;
}
