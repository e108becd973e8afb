// hello, as far as its first line: the domain ends there, since Xen puts a time on that and not on what dom0 prints.

import { SHUTDOWN_poweroff, sched } from "xenlet";

console.log("Hello from a Xen guest");
sched.shutdown(SHUTDOWN_poweroff);
