/**
 * How much time a build spends on its code. `full`: asc's optimiser, then gcc -O2. `quick`: the least of asc's, then
 * gcc -O1, for images that run once and are built again, as with --watch: a test file takes half the time.
 */
export type Optimize = "full" | "quick";
