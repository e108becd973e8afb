// Records beyond those of `record()`: the one that says that the program runs, and another domain's passed on.

export { record_pass_on, say_stage } from "../internal/intrinsics";
