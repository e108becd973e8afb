// A guest that runs well and has no tests.
console.log("all is well");
