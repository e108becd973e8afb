// A guest that uses the store in an overriding method and nowhere else.

import { xenstore } from "xenlet";

abstract class Task {
  abstract run(): void;
}

class Reading extends Task {
  run(): void {
    const value = xenstore.read("name");
    console.log(value.error == 0 ? value.value : value.error.toString());
  }
}

const tasks: Array<Task> = [new Reading()];
for (let i = 0; i < tasks.length; i++) tasks[i].run();
