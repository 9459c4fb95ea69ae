import sanitizeHtml from "sanitize-html";

/** The deepest nesting of tags in a message; the specification's own limit. */
const MAX_DEPTH = 100;
const LINK_SCHEMES = ["https:", "http:", "ftp:", "mailto:", "magnet:"];

/**
 * Whether a link is allowed in a message: absolute, of a scheme that the specification lists, and not the address of a
 * Matrix user, which clients draw as a mention (`https://matrix.to/#/@alice:example.org`, and the same behind any web
 * client).
 */
export function isAllowedLink(href: string): boolean {
  const url = URL.parse(href);
  if (url === null || !LINK_SCHEMES.includes(url.protocol)) return false;
  return !/^#\/*(?:user\/)?(?:@|%40)/i.test(url.hash);
}

/**
 * Keeps the parts of `html` that a Matrix message may hold: the tags and attributes that the client-server API lists
 * under "m.room.message msgtypes" (v1.18), without those that an agent's answer never needs (images, colours,
 * spoilers), and without `s`, which nheko shows as text: `del` means the same.
 */
export function sanitiseHtml(html: string): string {
  return sanitizeHtml(html, {
    // prettier-ignore
    allowedTags: [
      "del", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "a", "ul", "ol", "sup", "sub", "li", "b", "i", "u",
      "strong", "em", "code", "hr", "br", "div", "table", "thead", "tbody", "tr", "th", "td", "caption", "pre",
      "span", "details", "summary",
    ],
    allowedAttributes: {
      a: ["href"],
      ol: ["start"],
      code: ["class"],
      span: ["data-mx-maths"],
      div: ["data-mx-maths"],
    },
    allowedClasses: { code: ["language-*"] },
    allowedSchemes: LINK_SCHEMES.map((scheme) => scheme.slice(0, -1)),
    allowProtocolRelative: false,
    nestingLimit: MAX_DEPTH,
    transformTags: {
      a: (tagName, attribs) => {
        const { href } = attribs;
        return { tagName, attribs: href !== undefined && isAllowedLink(href) ? { href } : {} };
      },
    },
  });
}
