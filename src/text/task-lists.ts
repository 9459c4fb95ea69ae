import type { MarkdownIt, StateCore, Token } from "markdown-it";

/**
 * Task lists (GitHub's extension of markdown): `- [x] done` and `- [ ] open`, in bullet and numbered lists, as ☑ and ☐,
 * because a Matrix message has no check boxes.
 */
export function taskLists(md: MarkdownIt): void {
  md.core.ruler.push("task_lists", markTasks);
}

/** Whether a list's item (`list_item_open`) belongs to a task list. */
export function isTask(item: Token): boolean {
  return item.meta?.["isTask"] === true;
}

function markTasks({ tokens }: StateCore): void {
  for (const [index, item] of tokens.entries()) {
    if (item.type !== "list_item_open") continue;
    const inline = tokens[index + 2];
    const box = inline?.type === "inline" ? /^\[([ xX])\]\s/.exec(inline.content) : null;
    const words = inline?.children?.[0];
    // With an address, `[x]` is a link.
    if (box === null || words?.type !== "text" || !words.content.startsWith(box[0].trimEnd())) continue;
    words.content = (box[1] === " " ? "☐" : "☑") + words.content.slice(3);
    item.meta = { isTask: true };
  }
}
