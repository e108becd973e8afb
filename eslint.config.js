// Two languages with one suffix: TypeScript for Node gets every type-checked
// rule; AssemblyScript (whose types only asc knows) gets those that need syntax
// alone. Layout is prettier's business in both.
import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";
import { defineConfig } from "eslint/config";

/** A file's language is its folder's: below a folder named guest, and in examples/, it is AssemblyScript. */
const ASSEMBLYSCRIPT = ["**/guest/**/*.ts", "examples/**/*.ts"];

export default defineConfig(
  { ignores: ["dist/", "coverage/", "test/fixtures/runner/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.ts", "**/*.js"],
    ignores: ASSEMBLYSCRIPT,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // A promise that nobody awaits is an error nobody sees.
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // For text, `||` also catches the empty string, which is mostly what is meant.
      "@typescript-eslint/prefer-nullish-coalescing": [
        "error",
        { ignorePrimitives: { string: true } },
      ],
      // Bracket access is tsc's to decide (noPropertyAccessFromIndexSignature).
      "@typescript-eslint/dot-notation": "off",
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    // Plain JavaScript: typed by JSDoc, where prettier's plugin interface is untyped.
    files: ["**/*.js"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: ASSEMBLYSCRIPT,
    languageOptions: {
      parser: tseslint.parser,
      // Decorators on functions.
      parserOptions: { allowInvalidAST: true },
    },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "no-var": "error",
      "no-debugger": "error",
      "no-dupe-else-if": "error",
      "no-duplicate-case": "error",
      "no-self-assign": "error",
      "no-self-compare": "error",
      "no-unreachable": "error",
      "no-unsafe-finally": "error",
      "no-useless-return": "error",
      // Arguments may stay unused: without closures, a function has the signature that its caller wants.
      "@typescript-eslint/no-unused-vars": ["error", { args: "none", varsIgnorePattern: "^_" }],
    },
  },
  prettier,
);
