/** Makes a text of about this many characters. */
export type Hostile = (length: number) => string;

function again(piece: string): Hostile {
  return (length) => piece.repeat(Math.ceil(length / piece.length));
}

/** `before`, then repetitions, and finally a character that makes every promising match fail. */
function ending(before: string, piece: string, end: string): Hostile {
  return (length) => before + again(piece)(length) + end;
}

/** A different piece each time. */
function counted(piece: (index: number) => string): Hostile {
  return (length) => {
    const pieces: string[] = [];
    for (let index = 0, left = length; left > 0; index++) {
      const next = piece(index);
      pieces.push(next);
      left -= next.length;
    }
    return pieces.join("");
  };
}

/** Nested as deeply as it is long, and closed again. */
function nested(open: string, middle: string, close: string): Hostile {
  return (length) => {
    const depth = Math.ceil(length / (open.length + close.length));
    return open.repeat(depth) + middle + close.repeat(depth);
  };
}

/** Rows of one character, each longer than the one before. */
function growing(sign: string, between: string): Hostile {
  return counted((index) => sign.repeat((index % 500) + 1) + between);
}

/**
 * Texts that have blocked parsers: they make patterns backtrack, open without closing, nest, refer to themselves, or
 * consist of many small parts or one large part. For all code that handles texts of strangers and models.
 */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  "one word": again("a"),
  words: again("lorem ipsum dolor "),
  "addresses that are none": again("a:"),
  URLs: again("https://example.org/a "),
  "a long URL": ending("https://example.org/", "a%20", ""),
  "a URL of brackets": ending("https://example.org/", "(", ""),
  "a URL of dots": ending("https://example.org/a", ".", ""),
  "mail addresses": again("a@b.c@"),
  blanks: again(" "),
  "blanks and an end": ending("", " ", "!"),
  "blanks behind words": ending("a", " \t", "b"),
  "line feeds": again("\n"),
  "carriage returns": again("\r"),
  "line feeds and an end": ending("!", "\n", "!"),
  "short lines": again("a\n"),
  "lines that break": again("a  \n"),
  paragraphs: again("a\n\n"),
  "blank lines of blanks": again("   \n"),
  "[": again("["),
  "]": again("]"),
  "[]": again("[]"),
  "](": again("]("),
  "[a](": again("[a]("),
  links: again("[a](b:)"),
  "links in links": nested("[", "a", "](b:)"),
  "links that never end": ending("", "[a](<b", "\n"),
  "links with titles that never end": again('[a](b "'),
  pictures: again("![a](b:)"),
  "pictures in pictures": nested("![", "a", "](b:)"),
  "![": again("!["),
  footnotes: again("[^a]: a\n"),
  "definitions of links": counted((index) => `[${index}]: https://example.org/${index}\n`),
  "definitions and their use": (length) =>
    counted((index) => `[${index}]: b:\n`)(length / 2) + "\n" + counted((index) => `[${index}] `)(length / 2),
  "one long definition, used": (length) =>
    `[a]: https://example.org/${"b".repeat(length / 2)}\n\n${again("[a] ")(length / 2)}`,
  "definitions that are none": again('[a]: <b "c\n'),
  "definitions in each other": again("[a]: b '"),
  "*": again("*"),
  _: again("_"),
  "_ ": again("_ "),
  "*a": again("*a"),
  "*a _": again("*a _"),
  "a**": again("a**"),
  "**a **a": again("**a **a "),
  "*a **a ***a": again("*a **a ***a "),
  "* a _b_ c_": again("*a _b_ c_"),
  "emphasis that closes": nested("*a ", "a", " a*"),
  "emphasis of two kinds": nested("*_", "a", "_*"),
  "~~a ": again("~~a "),
  "~": again("~"),
  "-": again("-"),
  "- - -": ending("", "- ", "a"),
  "lines of - - -": again("- - - - - - - - - - - - - - a\n"),
  "lists in lists": counted((index) => `${" ".repeat(2 * (index % 200))}- a\n`),
  "lists in quotes": again("> - > - a\n"),
  items: again("- a\n"),
  tasks: again("- [ ] a\n"),
  numbers: again("1. a\n"),
  "1. 1. 1.": ending("", "1. ", "a"),
  "> ": again("> "),
  ">": again(">"),
  quotes: again("> a\n"),
  "quotes that reply": ending("> <@a:b> c\n", "> a\n", "> a"),
  "quotes in quotes": counted((index) => `${"> ".repeat(index % 200)}a\n`),
  "`": again("`"),
  "` `` ```": growing("`", " "),
  "`a` ``a": again("`a` ``a "),
  "``` a line": again("```\n"),
  "longer fences": growing("`", "\n"),
  "~~~ lines": growing("~", " a\n"),
  "a fence that never ends": ending("```a\n", "a\n", ""),
  "a fence of blanks": ending("   ```", " ", "`"),
  "indented code": again("    a\n"),
  "#": again("#"),
  "# a #": again("# a #\n"),
  "# and blanks": ending("# a", " ", "#a"),
  "a line and ===": again("a\n=\n"),
  "|": again("|"),
  "a table": ending("|a|b|\n|-|-|\n", "|a|b|\n", ""),
  "a wide table": (length) => `${again("|a")(length / 3)}\n${again("|-")(length / 3)}\n${again("|a")(length / 3)}`,
  "a wide table of short rows": (length) =>
    `${again("|a")(length / 4)}\n${again("|-")(length / 4)}\n${again("|\n")(length / 2)}`,
  tables: again("a|b\n-|-\n\n"),
  "<": again("<"),
  "<a ": again("<a "),
  "<a href=": ending("<a ", 'href="b ', ""),
  "<a x>": again("<a x='b' y>"),
  anchors: again('<a href="https://matrix.to/#/@a:b">a</a> '),
  "anchors that never end": again('<a href="https://matrix.to/#/@a:b">a'),
  "tags in tags": nested("<b>", "a", "</b>"),
  "tags that never end": again("<div>"),
  "ends without tags": again("</div>"),
  "<br>": again("<br>"),
  "<!--": again("<!--"),
  comments: again("<!-- a -->"),
  "<![CDATA[": again("<![CDATA["),
  "<?": again("<?"),
  "<!A": again("<!A "),
  replies: again("<mx-reply>"),
  "replies that end": again("<mx-reply></mx-reply>"),
  autolinks: again("<a:b>"),
  "autolinks that never end": again("<https://a"),
  "&": again("&"),
  "&amp;": again("&amp;"),
  "&#": again("&#"),
  "&#64;": again("&#64;room "),
  "entities that never end": ending("&", "a", ""),
  "@": again("@"),
  "@room": again("@room"),
  "@a:": again("@agent_a:"),
  agents: again("@agent_a7: a\n"),
  "agents in a row": again("@agent_a7, "),
  "agents one after the other": again("Agent A7 and "),
  "nearly agents": again("@agent_a\n"),
  "long names that are nearly agents": ending("@", "agent_a", "\n@agent_a7"),
  "user ids": again("@alice:example.org "),
  "user ids in one word": again("@alice:example.org"),
  "links to users": again("https://matrix.to/#/@a:b "),
  "links to users in links": again("[a](https://matrix.to/#/@a:b) "),
  "links to users that never end": ending("https://matrix.to/#/@", "a", "%zz"),
  "/": again("/"),
  "//": again("//a"),
  "http://": again("http://"),
  ":": again(":"),
  "!": again("!"),
  "!a": ending("!", "a", "1"),
  "!stop": ending("!stop", " ", "!"),
  "`!stop": ending("`!stop", "`*", "a"),
  $: again("$"),
  "$ ": again("$ "),
  $a$: again("$a$ "),
  "$a ": again("$a "),
  $1: again("$1 and "),
  "$$ lines": again("$$\n"),
  "$$ a lines": again("$$ a\n"),
  "\\$": again("$\\$"),
  "\\": again("\\"),
  "\\[": again("\\["),
  "\\[ lines": again("\\[\n"),
  "\\(": again("\\("),
  "\\(a\\)": again("\\(a\\) "),
  "\\frac": again("\\frac"),
  "\\frac{": again("\\frac{"),
  "maths in maths": nested("\\sqrt{", "a", "}"),
  "x^": again("x^"),
  "{": again("{"),
  "one long formula": ending("$$\n", "\\frac{a}{b}", "\n$$"),
  "combining marks": ending("a", "\u0301", ""),
  "many combining marks": ending("a", "\u0315\u0300\u05ae\u0062", ""),
  "letters that decompose": again("ﷺ"),
  Korean: again("각"),
  "halves of characters": again("\ud800"),
  "halves the other way": again("\udc00\ud800"),
  emoji: again("👩‍👩‍👧‍👦"),
  joiners: again("\u200d"),
  "variation selectors": again("\ufe0f"),
  "overrides of direction": again("\u202e"),
  isolates: nested("\u2067", "a", "\u2069"),
  NUL: again("\0"),
  "control characters": again("\u0007\u0008"),
  "no-break spaces": again("\u00a0"),
  "line separators": again("\u2028"),
  İ: again("İ"),
  "quotation marks": again('"'),
  "quotation marks and words": again('"a'),
  apostrophes: again("'"),
  "typographic marks": again("“a” ‘b’ "),
  "…": again("…"),
  ".": again("."),
  ",": again(","),
  "commas and blanks": again(", "),
  dashes: again("– "),
  "one digit": again("1"),
  digits: again("1."),
  q4_: again("q4_"),
  "a-": again("a-"),
  "20240": again("20240"),
  "*?": again("*?"),
  "a*": again("a*"),
  "JSON that never ends": again('{"a":'),
  "JSON in JSON": nested('{"a":', "1", "}"),
  "lists in lists of JSON": nested("[", "1", "]"),
  "strings of JSON": again('"\\u0061",'),
  "an escaped string": ending('"', "\\", '"'),
};
