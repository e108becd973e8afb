// Walks the page tables that are in use and tells what they map. `plant=1` first maps a page of code writable.

import { commandLineValue } from "xenlet";

@external("native", "executable") declare function executable(): u32;
@external("native", "writable") declare function writable(): u32;
@external("native", "conflicts") declare function conflicts(): u32;
@external("native", "low_executable") declare function low_executable(): u32;
@external("native", "plant") declare function plant(): void;

if (commandLineValue("plant") == "1") plant();
console.log(executable().toString() + " executable, " + writable().toString() + " writable");
console.log("conflicts " + conflicts().toString());
console.log("low executable " + low_executable().toString());
