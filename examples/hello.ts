console.log("Hello from a Xen guest");
