import { crc32, deflateRawSync } from "node:zlib";

/** A file in a {@link zip}. */
export interface Packed {
  readonly name: string;
  /** The content, or its packed form. */
  readonly data: string | Uint8Array | { readonly packed: Uint8Array; readonly size: number };
  /** Marks it as locked (bit 0 of the flags). */
  readonly locked?: boolean;
}

/** A zip of these files, in this order (APPNOTE 6.3.10), without checksums of packed content. */
export function zip(files: readonly Packed[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data, locked = false } of files) {
    const isPacked = typeof data === "object" && "packed" in data;
    const plain = isPacked ? Buffer.alloc(0) : Buffer.from(data);
    const packed = isPacked ? Buffer.from(data.packed) : deflateRawSync(plain);
    const called = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800 | (locked ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(isPacked ? 0 : crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(isPacked ? data.size : plain.length, 18);
    common.writeUInt16LE(called.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(at, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\0", "latin1"), common, entry, called);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), common, called, packed);
    at += 30 + called.length + packed.length;
  }
  const end = Buffer.alloc(22);
  const listed = Buffer.concat(directory);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(Math.min(files.length, 0xffff), 8);
  end.writeUInt16LE(Math.min(files.length, 0xffff), 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listed, end]);
}
