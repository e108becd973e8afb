/*
 * What C that belongs to a guest includes: a benchmark's twin, a test's probe. It defines a function that the guest
 * declares as `@external("native", "name")` by the name of import_native_name.
 */
#include "lowered.h"
