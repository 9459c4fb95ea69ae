import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { venvPython } from "../../../quickstart/venv.ts";
import { withPictureMark } from "../../../src/answering/picture-mark.ts";
import { SYNAPSE_VENV } from "../../support/paths.ts";
import { gif } from "../../support/pictures.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** Pictures of each kind, by Pillow, which Synapse brings. */
const MAKE = `
import sys
from PIL import Image
folder = sys.argv[1]
opaque = Image.effect_mandelbrot((33, 21), (-2, -1.5, 1, 1.5), 90).convert("RGB")
clear = opaque.convert("RGBA")
clear.putalpha(opaque.convert("L"))
opaque.save(f"{folder}/plain.png")
clear.save(f"{folder}/clear.png")
opaque.save(f"{folder}/jfif.jpg", quality=80)
opaque.save(f"{folder}/exif.jpg", exif=Image.Exif(), icc_profile=b"x" * 100)
opaque.save(f"{folder}/lossy.webp", quality=50)
opaque.save(f"{folder}/lossless.webp", lossless=True)
clear.save(f"{folder}/clear.webp", lossless=True)
clear.save(f"{folder}/clear-lossy.webp")
opaque.save(f"{folder}/moving.webp", save_all=True, append_images=[opaque.rotate(90)])
`;

/** Whether a marked picture has the pixels of the original, and what its metadata says. */
const READ = `
import json, sys
from PIL import Image
def frames(path):
    with Image.open(path) as picture:
        shown = []
        for at in range(getattr(picture, "n_frames", 1)):
            picture.seek(at)
            shown.append((picture.mode, picture.size, picture.tobytes()))
        return shown
original, marked = sys.argv[1:]
with Image.open(marked) as picture:
    picture.load()
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    print(json.dumps({
        "same": frames(original) == frames(marked),
        "xmp": xmp if isinstance(xmp, str) else xmp.decode(),
    }))
`;

const NAMES = [
  "plain.png",
  "clear.png",
  "jfif.jpg",
  "exif.jpg",
  "lossy.webp",
  "lossless.webp",
  "clear.webp",
  "clear-lossy.webp",
  "moving.webp",
];

describe("a picture that a model made", () => {
  let folder: string;
  const python = async (script: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(venvPython(SYNAPSE_VENV), ["-c", script, ...args])).stdout;

  before(async () => {
    folder = await temporaryDirectory("pictures");
    await python(MAKE, folder);
  });

  for (const name of NAMES) {
    it(`says so in its metadata, and looks as before: ${name}`, async () => {
      const marked = withPictureMark(await readFile(join(folder, name)));
      const file = join(folder, `marked-${name}`);
      await writeFile(file, marked);
      const { same, xmp } = JSON.parse(await python(READ, join(folder, name), file)) as { same: boolean; xmp: string };
      assert.ok(same);
      assert.match(xmp, new RegExp(`<Iptc4xmpExt:DigitalSourceType>${RegExp.escape(MADE)}<`));
      assert.equal(withPictureMark(marked), marked, "it is not marked twice");
    });
  }

  it("stays as it is where it says so already, as a signed manifest does, or where there is no place for it", () => {
    const beginnings = [
      "\x89PNG\r\n\x1a\n",
      "\x89PNG\r\n\x1a\n a picture of a cat, they say",
      "\xff\xd8\xff",
      "RIFF\0\0\0\0WEBPVP8 ",
    ];
    const odd = [...beginnings, "GIF89a", "<svg/>", ""].map((text) => Buffer.from(text, "latin1"));
    const signed = Buffer.from(`\x89PNG\r\n\x1a\n${"caBX".repeat(20)}${MADE}`, "latin1");
    for (const picture of [...odd, signed, gif({ w: 1, h: 1 }, [{ w: 1, h: 1 }])]) {
      assert.deepEqual(withPictureMark(picture), picture);
    }
  });
});
