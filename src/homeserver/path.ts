/**
 * Builds a request path of a template literal; every value becomes exactly one segment, whatever it holds:
 *
 *     path`/_matrix/client/v3/rooms/${roomId}/join`
 *
 * Throws RangeError for `.` and `..`, which no encoding keeps a URL from resolving.
 */
export function path(template: TemplateStringsArray, ...segments: readonly string[]): string {
  return template.reduce((built, part, index) => built + encodeSegment(segments[index - 1] ?? "") + part);
}

function encodeSegment(segment: string): string {
  if (segment === "." || segment === "..") throw new RangeError(`"${segment}" cannot be a part of a path`);
  return encodeURIComponent(segment);
}
