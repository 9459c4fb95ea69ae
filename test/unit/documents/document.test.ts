import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { textOfDocument, UnreadableDocument, type Unreadability } from "../../../src/documents/document.ts";
import { documentFormat } from "../../../src/documents/formats.ts";
import { contentTypes, docx, paragraph, relationships, xlsx } from "../../support/office.ts";
import { inCheckout } from "../../support/paths.ts";
import { zip } from "../../support/zip.ts";

/** A document that another program has written: test/fixtures/documents/make.py says which. */
function written(name: string): Promise<Buffer> {
  return readFile(inCheckout(`test/fixtures/documents/${name}`));
}

async function read(bytes: Buffer, name = "unnamed"): Promise<string> {
  const format = documentFormat(bytes, { name });
  assert.ok(format !== undefined, name);
  return (await textOfDocument(bytes, format)).text;
}

async function refusal(bytes: Buffer): Promise<Unreadability> {
  const failed = await read(bytes).then(
    (text) => assert.fail(`it was read: ${text.slice(0, 100)}`),
    (error: unknown) => error,
  );
  assert.ok(failed instanceof UnreadableDocument, String(failed));
  return failed.why;
}

const REPORT = `(Header:) Gärtnerei Grün, Am Bach 3

# Bericht über das Jahr

Es war ein gutes Jahr: 世界, שלום, 🌻.

- Äpfel
- Birnen

## Zahlen

Sorte | Menge | Preis
Boskoop | 12 | 3,50 €
Conference |  | 4,00 €

Erste Zeile
zweite Zeile\tnach dem Tabulator`;

describe("the text of a Word document", () => {
  it("has headings, lists, tables and page headers, whichever program wrote it", async () => {
    assert.equal(await read(await written("report.docx")), REPORT);
    assert.equal(await read(await written("office-report.docx")), REPORT);
  });

  it("leaves out deleted, moved and duplicated text, and computed values", async () => {
    const text = await read(
      docx(`${paragraph("stays")}
        <w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>
        <w:p><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>moved</w:t></w:r></w:moveTo></w:p>
        <w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>
        <mc:AlternateContent><mc:Choice>${paragraph("box")}</mc:Choice><mc:Fallback>${paragraph("box")}</mc:Fallback>
        </mc:AlternateContent><w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>last</w:t></w:r></w:p>`),
    );
    assert.equal(text, "stays\n\nnew\n\nmoved\n\nbox\n\nlast");
  });

  it("has tables within tables, boxes within paragraphs, and footnotes", async () => {
    const cell = (words: string): string => `<w:tc>${words}</w:tc>`;
    const inner = `<w:tbl><w:tr>${cell(paragraph("c"))}${cell(paragraph("d | e"))}</w:tr></w:tbl>`;
    const text = await read(
      docx(
        `<w:tbl><w:tr>${cell(paragraph("a") + paragraph("b"))}${cell(inner)}</w:tr></w:tbl>
         <w:p><w:r><w:t>before</w:t><w:pict><w:txbxContent>${paragraph("in a box")}</w:txbxContent></w:pict>
         <w:t>after</w:t></w:r></w:p>`,
        {
          more: [
            relationships("word/document.xml", [["a", "footnotes", "footnotes.xml"]]),
            {
              name: "word/footnotes.xml",
              data: `<w:footnotes><w:footnote>${paragraph("see")}</w:footnote></w:footnotes>`,
            },
          ],
        },
      ),
    );
    assert.equal(text, "a b | c \\| d \\\\| e\n\nbefore\n\nin a box\n\nafter\n\n(Footnotes:) see");
  });

  it("is found in a document with macros too, none of which runs, and in UTF-16", async () => {
    const macros = zip([
      {
        name: "[Content_Types].xml",
        data: `<Types><Override PartName="/word/document.xml"
          ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>`,
      },
      { name: "word/document.xml", data: Buffer.from(`\ufeff<w:document>${paragraph("été")}</w:document>`, "utf16le") },
      { name: "word/vbaProject.bin", data: "Sub AutoOpen()" },
    ]);
    assert.equal(await read(macros, "letter.docm"), "été");
  });
});

const BUDGET = (total: string, quarter: string, hidden: string): string => `## Sheet “Budget 2026”

Item | Due | Cost | Paid
Rent | 2026-03-01 | 1250.5 | TRUE
Lamp | 2026-03-02 14:30:00 | 0.3 | FALSE
Total |  | ${total}
 |  |  |  |  | far off
${quarter} | 30:00:00

## Sheet “Empty”${hidden}

## Sheet “Notes & more”

<b>not bold</b> | a \\| b`;

describe("the text of an Office file", () => {
  it("is found where the package says, in each of its ways", async () => {
    const type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    const byEnding = zip([
      { name: "[Content_Types].xml", data: `<Types><Default Extension="xml" ContentType="${type}"/></Types>` },
      relationships("", [["a", "officeDocument", "/else/where.xml"]]),
      { name: "else/where.xml", data: `<document>${paragraph("found").replaceAll("w:", "")}</document>` },
    ]);
    assert.equal(await read(byEnding), "found");
  });
});

describe("the text of a spreadsheet", () => {
  it("keeps rows and columns, and shows dates as dates, whichever program wrote it", async () => {
    assert.equal(await read(await written("budget.xlsx")), BUDGET("=SUM(C2:C3)", "0.25", " (hidden)"));
    assert.equal(await read(await written("office-budget.xlsx")), BUDGET("1250.8", "0.25", " (hidden)"));
    assert.equal(await read(await written("office-budget.ods")), BUDGET("1250.8", "25%", ""));
    const cash = "## Sheet “Kasse”\n\nPosten |  |  | Summe\nBrot | x | x | 3,20 €";
    assert.equal(await read(await written("cash.ods")), cash);
  });

  it("has cells of every type, in rows without column names, and shared strings in parts", async () => {
    const text = await read(
      xlsx(
        `<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>99</v></c><c t="inlineStr"><is><t>in</t><rPh><t>said</t></rPh><r><t>side</t></r></is></c></row>
         <row r="3"><c r="B3" t="b"><v>0</v></c><c r="C3" t="e"><v>#DIV/0!</v></c><c r="D3"><v>1e21</v></c></row>
         <row><c r="A9" s="1"><v>61</v></c><c r="B9" s="2"><v>0.5</v></c><c r="C9" s="3"><v>1</v></c><c s="4"><v>2</v></c></row>
         <row><c r="ZZZ1"><v>1</v></c><c r="A1" s="1"><v>99999999</v></c><c t="d"><v>2026-01-02</v></c></row>`,
        [
          {
            name: "xl/shared.xml",
            data: "<sst><si><r><t>ri</t></r><r><t>ch</t></r><rPh><t>said</t></rPh></si><si><t>b</t></si></sst>",
          },
          {
            name: "xl/styles.xml",
            data: `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-409]h:mm AM/PM"/>
              <numFmt numFmtId="165" formatCode="&quot;day&quot; 0.00"/><numFmt numFmtId="166" formatCode="General"/></numFmts>
              <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>
              <xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>`,
          },
        ],
      ),
    );
    assert.equal(
      text,
      "## Sheet “S”\n\nrich | b |  | inside\n | FALSE | #DIV/0! | 1e+21\n1900-03-01 | 12:00:00 | 1 | 2\n99999999 | 2026-01-02",
    );
  });
});

describe("the sheets of a workbook", () => {
  it("are found under any prefix for their names, in both dialects", async () => {
    for (const [prefix, namespace] of [
      ["rel", "http://schemas.openxmlformats.org/officeDocument/2006/relationships"],
      ["d3p1", "http://purl.oclc.org/ooxml/officeDocument/relationships"],
    ] as const) {
      const book = `<x:workbook xmlns:x="y" xmlns:${prefix}="${namespace}"><x:sheets>
        <x:sheet name="S" id="7" other:id="8" sheetId="1" ${prefix}:id="a"/></x:sheets></x:workbook>`;
      const file = zip([
        contentTypes("xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"),
        { name: "xl/workbook.xml", data: book },
        relationships("xl/workbook.xml", [["a", "worksheet", "worksheets/1.xml"]]),
        { name: "xl/worksheets/1.xml", data: "<worksheet><row><c><v>1</v></c></row></worksheet>" },
      ]);
      assert.equal(await read(file), "## Sheet “S”\n\n1", prefix);
    }
  });
});

describe("the text of a presentation", () => {
  it("goes slide by slide in the shown order, with tables and notes, whichever program wrote it", async () => {
    const needs = "What they need\n\nFlowers\n\nWater\n\n(Notes:) Show the photo here";
    const talk = `## Slide 1\n\nBees\n\nA talk\n\n## Slide 2\n\nHarvest\n\nYear | Honey\n2026 | 40 kg\n\n## Slide 3\n\n${needs}`;
    assert.equal(await read(await written("talk.pptx")), talk);
    assert.equal(await read(await written("office-talk.pptx")), talk);
    const flat = (text: string): string => text.replace(/- /g, "").replace(/\s+/g, " ");
    assert.equal(flat(await read(await written("office-talk.odp"))), flat(talk));
    assert.equal(await read(await written("show.odp")), "## Slide 1\n\nErste Folie\n\n## Slide 2\n\nZweite Folie");
  });
});

describe("the text of an OpenDocument", () => {
  it("has headings, lists, tables and white space as shown, whichever program wrote it", async () => {
    const letter = "# Ein Brief\n\nLiebe Käthe   bis\tbald\nDein Jörg\n\n- eins\n- zwei";
    assert.equal(await read(await written("letter.odt")), letter);
    assert.equal(await read(await written("office-report.odt")), REPORT.replace(/^.*\n\n/, ""));
  });

  it("has notes and comments in their place, and no deleted text", async () => {
    const text = await read(
      zip([
        { name: "mimetype", data: "application/vnd.oasis.opendocument.text" },
        {
          name: "content.xml",
          data: [
            "<office:document-content>",
            "<text:tracked-changes><text:deletion><text:p>deleted</text:p></text:deletion></text:tracked-changes>",
            "<text:p>It<text:note><text:note-citation>1</text:note-citation>",
            "<text:note-body><text:p>see below</text:p></text:note-body></text:note> rains",
            "<office:annotation><dc:creator>Bob</dc:creator><dc:date>2026-01-01</dc:date>",
            "<text:p>really?</text:p></office:annotation> on <text:date>5 May</text:date>.</text:p>",
            "</office:document-content>",
          ].join(""),
        },
      ]),
    );
    assert.equal(text, "It (see below) rains (really?) on 5 May.");
  });
});

describe("the text of a book", () => {
  it("goes chapter by chapter in reading order", async () => {
    const novel =
      "The Sea, A. Writer\n\n## Chapter 1\n\nFlood\n\nThe water came & stayed.\n\n## Chapter 2\n\nEbb\n\nThe water went.";
    assert.equal(await read(await written("novel.epub")), novel);
    const text = await read(await written("office-report.epub"));
    assert.match(text, /## Chapter 1\n\nBericht über das Jahr[^]*Boskoop +12 +3,50 €/);
  });

  it("is not read where only a shop's program opens it, but is where only its fonts are encrypted", async () => {
    const book = (cipher: string): Buffer =>
      zip([
        { name: "mimetype", data: "application/epub+zip" },
        { name: "META-INF/container.xml", data: '<container><rootfile full-path="a/b.opf"/></container>' },
        {
          name: "a/b.opf",
          data: '<package><item id="1" href="one%20%26.xhtml#x"/><spine><itemref idref="1"/><itemref idref="2"/></spine></package>',
        },
        { name: "a/one &.xhtml", data: "<p>words</p>" },
        { name: "META-INF/encryption.xml", data: `<encryption><CipherReference URI="${cipher}"/></encryption>` },
      ]);
    assert.match(await read(book("a/font.ttf")), /words/);
    assert.equal(await refusal(book("a/one%20&.xhtml")), "locked");
  });
});

describe("the text of a mail", () => {
  it("has sender, recipients, time and text, and the names of attachments", async () => {
    const text = await read(await written("mail.eml"), "mail.eml");
    assert.equal(
      text,
      `From: Käthe Müller <kaethe@example.org>
To: Bob <bob@example.org>, carol@example.org
Date: 2026-03-01T09:30:00.000Z
Subject: Grüße — und eine sehr lange Betreffzeile, die umgebrochen werden muss, weil sie so lang ist

Lieber Bob,

anbei die Rechnung über 3,50 €.

Käthe

Attachments, not read: Rechnung März.pdf (application/pdf)`,
    );
  });

  it("comes from its HTML part where it has no other, with the addresses of its links", async () => {
    const text = await read(await written("html-only.eml"), "mail.eml");
    assert.match(text, /^From: shop@example\.org\n[^]*\n\nOnly today\n\nBuy it \[https:\/\/example\.org\/buy\]$/);
  });

  it("comes from its HTML part where its plain part only says that there is one", async () => {
    const only = "This message is in HTML. Please use a mail program that shows HTML.";
    const page = `<p>${"The order was sent today, and comes tomorrow. ".repeat(10)}</p>`;
    const mail = (text: string, html: string): Buffer =>
      Buffer.from(
        "Subject: s\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n" +
          `--x\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--x\r\nContent-Type: text/html\r\n\r\n${html}\r\n--x--\r\n`,
      );
    const shown = await read(mail(only, page), "a.eml");
    assert.match(shown, /comes tomorrow\.$/);
    assert.doesNotMatch(shown, /mail program/);
    const long = `https://e.org/${"x".repeat(2_000)}`;
    for (const html of [
      `<p>${only}</p>`,
      `<style>${"a{} ".repeat(900)}</style><p>Hi</p>`,
      `<a href="${long}">Hi</a>`,
    ]) {
      assert.equal(await read(mail(only, html), "a.eml"), `Subject: s\n\n${only}`);
    }
  });

  it("has its sender after a byte order mark", async () => {
    const mail = "\ufeffFrom: a@b.c\r\nSubject: Grüße\r\n\r\nhi";
    for (const bytes of [Buffer.from(mail), Buffer.from(mail, "utf16le"), Buffer.from(mail, "utf16le").swap16()]) {
      assert.equal(await read(bytes, "a.eml"), "From: a@b.c\nSubject: Grüße\n\nhi");
    }
  });

  it("is read as far as possible when it is odd", async () => {
    for (const [mail, expected] of [
      ["Received: x", ""],
      ["Subject: only that\r\n\r\n", "Subject: only that"],
      ["Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nTo: undisclosed-recipients:;\r\n\r\nhi", "Subject: grüße\n\nhi"],
      ["Content-Type: multipart/mixed; boundary=a\r\nSubject: cut\r\n\r\n--a\r\n\r\nhi", "Subject: cut\n\nhi"],
      [
        "Content-Type: text/plain; charset=klingon\r\nContent-Transfer-Encoding: base64\r\nSubject: b\r\n\r\naGk=",
        "Subject: b\n\nhi",
      ],
    ] as const) {
      assert.equal(await read(Buffer.from(mail), "a.eml"), expected, mail);
    }
  });
});

describe("the text of a web page", () => {
  it("has its title and its words, with lists and tables, and none of its scripts", async () => {
    const page = `<!DOCTYPE html><html><head><title>Tea &amp; more</title><style>p{}</style><script>alert(1)</script></head>
      <body><h1>Kinds</h1><ul><li>green<li>black</ul><table><tr><th>Kind<th>Price<tr><td>green<td>3</table>
      <p>See <a href="https://example.org">there</a><img src="a.png" alt="x"><noscript>no</noscript></body></html>`;
    const text = await read(Buffer.from(page), "page.html");
    assert.equal(text, "Tea & more\n\nKinds\n\n * green\n * black\n\nKind    Price\ngreen   3\n\nSee there");
  });

  it("is read in the encoding that it names, and keeps text after a picture within it", async () => {
    const russian = Buffer.concat([
      Buffer.from('<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>'),
      Buffer.from("cff0e8e2e5f2", "hex"),
    ]);
    assert.equal(await read(russian), "Привет");
    assert.equal(await read(Buffer.from('<html><meta charset="klingon"><p>hi')), "hi");
    const western = Buffer.concat([Buffer.from("<html><meta charset=iso-8859-1><p>3 "), Buffer.from([0x80])]);
    assert.equal(await read(western), "3 €");
    assert.equal(await read(Buffer.from(`\ufeff<html><p>été`, "utf16le"), "a.html"), "été");
    const picture = `<html><img src="data:image/png;base64,${"A".repeat(5_000_000)}"><p>after`;
    assert.equal(await read(Buffer.from(picture)), "after");
  });

  it("is right for a real page", async () => {
    const text = await read(await written("office-report.html"), "report.html");
    assert.match(text, /Es war ein gutes Jahr: 世界, שלום, 🌻\.[^]*Boskoop +12 +3,50 €/);
  });
});

describe("a document that is not read", () => {
  it("is recognised: locked, of another kind, damaged", async () => {
    const good = await written("report.docx");
    for (const [name, bytes, why] of [
      ["a locked OpenDocument", await written("locked-report.odt"), "locked"],
      ["a locked PDF", await written("locked.pdf"), "locked"],
      ["a zip with a password", zip([{ name: "[Content_Types].xml", data: "<Types/>", locked: true }]), "locked"],
      ["a zip of something else", zip([{ name: "a.txt", data: "hello" }]), "unknown_kind"],
      ["an empty zip", zip([]), "unknown_kind"],
      ["a jar", zip([{ name: "META-INF/MANIFEST.MF", data: "Manifest-Version: 1.0" }]), "unknown_kind"],
      ["a truncated one", good.subarray(0, good.length / 2), "damaged"],
      ["one whose end alone is missing", good.subarray(0, -30), "damaged"],
      ["one that begins well", Buffer.from("PK\x03\x04 and no more"), "damaged"],
      ["one whose bytes were changed", Buffer.from(good).fill(0x55, 2_000, 9_000), "damaged"],
    ] as const) {
      assert.equal(await refusal(bytes), why, name);
    }
    assert.match(await read(await written("open.pdf")), /gutes Jahr/, "locked against changes alone");
  });

  it("has no text where its parts are missing", async () => {
    const missing = docx("").subarray();
    assert.equal(await read(missing), "");
    const nothing = zip([
      {
        name: "[Content_Types].xml",
        data: '<Types><Override PartName="/a.xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>',
      },
    ]);
    assert.equal(await read(nothing), "");
    assert.equal(await read(zip([{ name: "mimetype", data: "application/epub+zip" }])), "");
    assert.equal(await read(zip([{ name: "mimetype", data: "application/vnd.oasis.opendocument.text" }])), "");
  });
});
