/** One entry of a tar archive. Folders end with a slash. */
export interface TarEntry {
  readonly path: string;
  readonly mode?: number;
  readonly data?: Uint8Array;
  readonly linkTarget?: string;
}

const blockSize = 512;

/** Writes a small archive in the ustar format. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, mode, data, linkTarget } of entries) {
    const type = linkTarget !== undefined ? "2" : path.endsWith("/") ? "5" : "0";
    const size = data?.byteLength ?? 0;
    blocks.push(tarHeader(path, { type, size, mode: mode ?? (type === "5" ? 0o755 : 0o644), linkTarget }));
    if (data !== undefined) blocks.push(Buffer.from(data), tarPadding(size));
  }
  return Buffer.concat([...blocks, tarEnd]);
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * blockSize);

/** What follows a file of that size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

interface HeaderFields {
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly linkTarget?: string | undefined;
}

export function tarHeader(path: string, { type, size, mode, linkTarget }: HeaderFields): Buffer {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset);
  };
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long for a tar header.`);
  header.write(path, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(981_173_106, 136, 12);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(linkTarget ?? "", 157);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
