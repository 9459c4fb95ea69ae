import { zip, type Packed } from "./zip.ts";

const MAIN = "application/vnd.openxmlformats-officedocument";

const RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

const NAMESPACES = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="${RELATIONSHIPS}"`;

/** The part of a package that names its main part. */
export function contentTypes(path: string, type: string): Packed {
  return { name: "[Content_Types].xml", data: `<Types><Override PartName="/${path}" ContentType="${type}"/></Types>` };
}

/** A Word document with this WordprocessingML in its body, written by hand. */
export function docx(body: string | Packed["data"], { prolog = "", more = [] as readonly Packed[] } = {}): Buffer {
  const data =
    typeof body === "string" ? `${prolog}<w:document ${NAMESPACES}><w:body>${body}</w:body></w:document>` : body;
  return zip([
    contentTypes("word/document.xml", `${MAIN}.wordprocessingml.document.main+xml`),
    { name: "word/document.xml", data },
    ...more,
  ]);
}

/** A paragraph of a Word document. */
export function paragraph(text: string): string {
  return `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`;
}

/** The relationships of a part: ids with the kind and the target of each. */
export function relationships(path: string, all: readonly (readonly [string, string, string, "External"?])[]): Packed {
  const each = all.map(([id, type, target, mode]) => {
    const external = mode === undefined ? "" : ` TargetMode="${mode}"`;
    return `<Relationship Id="${id}" Type="${RELATIONSHIPS}/${type}" Target="${target}"${external}/>`;
  });
  const [folder, name] = [path.slice(0, path.lastIndexOf("/") + 1), path.slice(path.lastIndexOf("/") + 1)];
  return { name: `${folder}_rels/${name}.rels`, data: `<Relationships>${each.join("")}</Relationships>` };
}

/** An Excel workbook with one sheet of this SpreadsheetML, written by hand. */
export function xlsx(sheetData: string | Packed["data"], more: readonly Packed[] = []): Buffer {
  const data = typeof sheetData === "string" ? `<worksheet><sheetData>${sheetData}</sheetData></worksheet>` : sheetData;
  return zip([
    contentTypes("xl/workbook.xml", `${MAIN}.spreadsheetml.sheet.main+xml`),
    { name: "xl/workbook.xml", data: `<workbook ${NAMESPACES}><sheets><sheet name="S" r:id="a"/></sheets></workbook>` },
    relationships("xl/workbook.xml", [
      ["a", "worksheet", "worksheets/1.xml"],
      ["b", "sharedStrings", "/xl/shared.xml"],
      ["c", "styles", "styles.xml"],
    ]),
    { name: "xl/worksheets/1.xml", data },
    ...more,
  ]);
}
