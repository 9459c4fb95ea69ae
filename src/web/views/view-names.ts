/** The views, in the order in which they are offered. */
export const VIEW_NAMES = [
  "agents",
  "work",
  "verifications",
  "rooms",
  "agreements",
  "usage",
  "models",
  "mail",
  "audit",
  "checks",
  "settings",
  "system",
] as const;

export type ViewName = (typeof VIEW_NAMES)[number];

/** The path of a view: the first one is the page's beginning. */
export function viewPath(name: ViewName): string {
  return name === VIEW_NAMES[0] ? "/" : `/${name}`;
}
