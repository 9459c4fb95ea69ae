/** Ollama's own cloud. */
const CLOUD_HOST = "ollama.com";

/**
 * The host to which an Ollama passes a model's requests because of the model's name, whether or not it has the model
 * and names a host: for the tag `cloud` and tags that end in `-cloud`. A name without a tag that ends so counts too.
 */
export function cloudByName(model: string): string | undefined {
  const name = trimmed(model);
  const tag = trimmed(name.slice(name.lastIndexOf(":") + 1)).toLowerCase();
  return tag === "cloud" || tag.endsWith("-cloud") ? CLOUD_HOST : undefined;
}

/** Removes blanks as Ollama's language defines them: one more than ours. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charAt(start))) start++;
  while (end > start && isBlank(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(character: string): boolean {
  return character === "\u0085" || character.trim() === "";
}
