/** Ollama's own cloud. */
const CLOUD_HOST = "ollama.com";

/**
 * The host to which an Ollama passes requests for a model on by the model's name alone, whether it has the model and
 * tells a host or not: it does so for the tag `cloud` and for tags that end in `-cloud`. A name without a tag that ends
 * so counts too.
 */
export function cloudByName(model: string): string | undefined {
  const name = trimmed(model);
  const tag = trimmed(name.slice(name.lastIndexOf(":") + 1)).toLowerCase();
  return tag === "cloud" || tag.endsWith("-cloud") ? CLOUD_HOST : undefined;
}

/** Without the blanks around it, as Ollama's language knows them: one more than ours does. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charAt(start))) start++;
  while (end > start && isBlank(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(character: string): boolean {
  return character === "\u0085" || character.trim() === "";
}
