/** A comment that switches a rule off says why behind ` -- `. */
const SWITCHES_OFF = /^\s*(eslint|oxlint)-disable/;
const HAS_REASON = /\s--\s+\S/;

const reasonForDisabling = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!SWITCHES_OFF.test(comment.value) || HAS_REASON.test(comment.value)) continue;
          context.report({ loc: comment.loc, message: "This comment does not say why it switches the rule off." });
        }
      },
    };
  },
};

/** A spread reads a getter once and keeps what it read. */
const noGetterInObject = {
  create(context) {
    return {
      ObjectExpression(node) {
        for (const property of node.properties) {
          if (property.type !== "Property" || property.kind !== "get") continue;
          context.report({ node: property, message: "Hand a function over instead of a getter." });
        }
      },
    };
  },
};

export default {
  meta: { name: "own" },
  rules: { "reason-for-disabling": reasonForDisabling, "no-getter-in-object": noGetterInObject },
};
