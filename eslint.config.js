import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** In all code. */
const noSyntax = [
  { selector: "TSEnumDeclaration", message: "Use a union of string literals." },
  { selector: "PropertyDefinition[accessibility='private']", message: "Use a #private field." },
  {
    selector: "MethodDefinition[accessibility='private'][kind!='constructor']",
    message: "Use a #private method.",
  },
];

export default defineConfig(
  globalIgnores(["dist/", ".cache/", "coverage/", "bench/peers/", "test/gate/consumer/"]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-restricted-syntax": ["error", ...noSyntax],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      // An abort rethrows `signal.reason`, which may be anything.
      "@typescript-eslint/only-throw-error": [
        "error",
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      "@typescript-eslint/prefer-promise-reject-errors": [
        "error",
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      // A type alias of an object is assignable to JSON types where an interface is not, and an index signature can
      // name its key: which of the two reads better is the author's choice.
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/consistent-indexed-object-style": "off",
      // A callback that may return something, or nothing, says so.
      "@typescript-eslint/no-invalid-void-type": "off",
      // An async method may fulfil a contract without awaiting anything.
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    files: ["src/**", "providers/**", "backends/**"],
    rules: {
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        ...noSyntax,
        {
          // Whoever calls it and adds a `catch` has handled all that fails; an exception in a callback, or on the way to
          // the `catch`, brings the host down. What only returns another function's promise throws if that one does.
          selector:
            ":function[async=false][returnType.typeAnnotation.typeName.name='Promise'] > BlockStatement[body.length>1]",
          message: "Make it async: a function that returns a promise must not throw.",
        },
      ],
    },
  },
  {
    files: ["test/**"],
    rules: {
      // An index that is not there makes the test fail, which is all a test needs.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-empty-function": "off",
    },
  },
  {
    // Programs that are compiled and never run.
    files: ["**/*.test-d.ts"],
    rules: {
      "@typescript-eslint/no-unnecessary-type-parameters": "off",
      "@typescript-eslint/no-meaningless-void-operator": "off",
      "@typescript-eslint/no-unused-vars": "off",
    },
  },
);
