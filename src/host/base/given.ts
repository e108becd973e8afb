type Missing<T> = { [Key in keyof T]-?: undefined extends T[Key] ? Key : never }[keyof T];

/** `T`, where what may be undefined may be missing instead. */
export type Given<T> = Omit<T, Missing<T>> & {
  [Key in Missing<T>]?: Exclude<T[Key], undefined>;
};

/**
 * `options` without those that are undefined: for a type whose optional properties may be missing, but not undefined
 * (exactOptionalPropertyTypes), and for a spread, in which undefined would replace a default.
 */
export function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Given<T>;
}
