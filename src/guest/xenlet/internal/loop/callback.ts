// What is to be called later. AssemblyScript has no closures, so a callback that needs more than globals gets a
// context, whose type only its subclass knows.

export abstract class Callback {
  abstract run(): void;
}

export class PlainCallback extends Callback {
  constructor(private fn: () => void) {
    super();
  }

  run(): void {
    this.fn();
  }
}

export class ContextCallback<T> extends Callback {
  constructor(
    private context: T,
    private fn: (context: T) => void,
  ) {
    super();
  }

  run(): void {
    this.fn(this.context);
  }
}
