import comments from "@eslint-community/eslint-plugin-eslint-comments";
import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", ".local/", ".cache/", "data/"] },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": ["error", { ignoreVoid: false }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    // A comment that switches a rule off says why behind ` -- `, and goes when it is needed no more.
    files: ["**/*.ts"],
    plugins: { "@eslint-community/eslint-comments": comments },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { "@eslint-community/eslint-comments/require-description": "error" },
  },
  {
    files: ["src/**/*.ts", "quickstart/**/*.ts", "build/**/*.ts", "docs/**/*.ts"],
    rules: {
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      // A spread reads it once and keeps what it read.
      "no-restricted-syntax": [
        "error",
        { selector: "ObjectExpression > Property[kind='get']", message: "Hand a function over instead of a getter." },
        {
          selector: "PropertyDefinition[key.name='exitCode'][value!=null]",
          message: "Extend OperatorError: the manual lists each error that ends a command, from its table.",
        },
      ],
    },
  },
  {
    // node:test's describe and it return promises that the runner itself awaits.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          ignoreVoid: false,
          allowForKnownSafeCalls: [
            {
              from: "package",
              name: ["describe", "it", "test", "suite", "before", "after", "beforeEach", "afterEach"],
              package: "node:test",
            },
          ],
        },
      ],
    },
  },
);
