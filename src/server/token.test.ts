import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkToken, loadOrCreateToken } from './token.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fist-token-'));
  path = join(folder, 'data', 'x.db-token');
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe("the API's token", () => {
  it('is taken as it is given, if it is one', () => {
    expect(checkToken('a-token-of-32-characters-or-more', 'FIST_TOKEN')).toBe('a-token-of-32-characters-or-more');
    expect(() => checkToken('short', 'FIST_TOKEN')).toThrow('FIST_TOKEN holds no token of at least 16 characters');
  });

  it('is made once, for its owner only, and found again', () => {
    const made = loadOrCreateToken(path);
    expect(made).toMatchObject({ warning: null });
    expect(made.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(modeOf(path)).toBe('600');
    expect(readdirSync(join(folder, 'data'))).toEqual(['x.db-token']);
    expect(loadOrCreateToken(path)).toEqual({ token: made.token, warning: null });
    expect(readFileSync(path, 'utf8')).toBe(`${made.token}\n`);
  });

  it('is another one in each place', () => {
    expect(loadOrCreateToken(path).token).not.toBe(loadOrCreateToken(`${path}2`).token);
  });

  it('that others could read is closed to them, with a warning that does not hold it', () => {
    const { token } = loadOrCreateToken(path);
    chmodSync(path, 0o644);
    const again = loadOrCreateToken(path);
    expect(again.token).toBe(token);
    expect(again.warning).toContain('mode 644');
    expect(again.warning).not.toContain(token);
    expect(modeOf(path)).toBe('600');
  });

  it.each(['', '\n', 'short', 'has spaces in it, and is long enough', 'zeichen-öäü-lang-genug-1234'])(
    'that is %j is refused',
    (text) => {
      mkdirSync(join(folder, 'data'));
      writeFileSync(path, text, { mode: 0o600 });
      expect(() => loadOrCreateToken(path)).toThrow(
        expect.objectContaining({ code: 'InvalidInput', next: expect.stringContaining('delete') }),
      );
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );

  it('that cannot be kept in a file can be given', () => {
    writeFileSync(join(folder, 'file'), '');
    const impossible = join(folder, 'file', 'data', 'x.db-token');
    expect(() => loadOrCreateToken(impossible)).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message: `the API's token cannot be kept in ${impossible}: a part of the path is no folder`,
        next: expect.stringContaining('FIST_TOKEN=$(openssl rand -hex 32)'),
      }),
    );
  });

  it('is not read through a link or from a folder', () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'elsewhere'), 'a-token-of-somebody-else');
    symlinkSync(join(folder, 'elsewhere'), path);
    expect(() => loadOrCreateToken(path)).toThrow('is not a regular file');
    expect(() => loadOrCreateToken(folder)).toThrow('is not a regular file');
  });
});
