/** An entry of an archive for tests; `type` as tar writes it (`0` file, `2` link, `x` attributes). */
export interface TarPart {
  readonly path: string;
  readonly content?: string | Buffer;
  readonly type?: string;
  readonly target?: string;
}

/** An archive in the ustar form, with pax attributes for long names, and with whatever is in it, sound or not. */
export function makeTar(parts: readonly TarPart[]): Buffer {
  const long = parts.flatMap((part) => {
    const isLong = Buffer.byteLength(part.path) > 100;
    return isLong ? [{ path: 'PaxHeaders', type: 'x', content: paxRecord('path', part.path) }, part] : [part];
  });
  const blocks = long.flatMap(({ path, content = '', type = '0', target = '' }: TarPart) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(512);
    header.write(path.slice(0, 100), 0);
    header.write('0000600\0', 100);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write(type, 156);
    header.write(target, 157);
    header.write('ustar\u000000', 257);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A record of pax attributes: `30 path=...`. */
export function paxRecord(name: string, value: string): string {
  const rest = ` ${name}=${value}\n`;
  // The length counts its own digits.
  let length = Buffer.byteLength(rest);
  while (Buffer.byteLength(`${length}${rest}`) > length) length += 1;
  return `${length}${rest}`;
}
