// Some nodes with all below them, to be put back as they were. A node is never changed in place, so holding on to them
// is all it takes, and unchanged ones cost no more than a look.

import { removeTree } from "./operations";
import { childOf } from "./path";
import { StoreNode } from "./node";
import { StoreView } from "./tree";

export class Snapshot {
  /** Each before those below it. */
  private nodes: Array<StoreNode> = [];

  /** Of `roots`, which all exist. */
  constructor(view: StoreView, roots: Array<string>) {
    for (let i = 0; i < roots.length; i++) this.nodes.push(view.find(roots[i])!);
    for (let i = 0; i < this.nodes.length; i++) {
      const node = this.nodes[i];
      for (let j = 0; j < node.children.length; j++)
        this.nodes.push(view.find(childOf(node.path, node.children[j]))!);
    }
  }

  /** Removes what was created since, and restores what was changed or removed. What `roots` are in must still be there. */
  restore(view: StoreView): void {
    for (let i = 0; i < this.nodes.length; i++) {
      const saved = this.nodes[i];
      const found = view.find(saved.path);
      if (found === saved) continue;
      if (found) {
        for (let j = 0; j < found.children.length; j++) {
          if (!saved.children.includes(found.children[j]))
            removeTree(view, childOf(saved.path, found.children[j]));
        }
      }
      /* Another object: a transaction that looked in between shall notice. */
      const node = saved.copy();
      this.nodes[i] = node;
      view.put(node);
      view.changed(node.path, node.permissions, found ? found.permissions : null, false);
    }
  }
}
