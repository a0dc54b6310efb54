import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';

/** The bearer token of the API, and how it was come by. */
export interface ApiToken {
  readonly token: string;
  readonly created: boolean;
  /** What was wrong with the file and was put right, for the log; null = nothing. */
  readonly warning: string | null;
}

const shortestToken = 16;
const modeMask = 0o777;

/** The file beside the database that holds the token of the API. The CLI on the same machine reads it. */
export function tokenPath(databasePath: string): string {
  return `${databasePath}-token`;
}

/**
 * Reads the token, or makes one (256 random bits) at the first start. The file can be read by its owner only; wider
 * permissions are taken away and named in `warning`. Throws InvalidInput for a file that holds no usable token.
 */
export function loadOrCreateToken(path: string): ApiToken {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return { token: createToken(path), created: true, warning: null };
  if (!status.isFile()) throw unusable(path, 'is not a regular file');
  const mode = status.mode & modeMask;
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
  if (isOpen) chmodSync(path, 0o600);
  const token = readFileSync(path, 'utf8').trim();
  if (token.length < shortestToken) throw unusable(path, `holds no token of at least ${shortestToken} characters`);
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(token)) throw unusable(path, 'holds characters that a bearer token cannot have');
  const warning = isOpen
    ? `${path} could be read by others (mode ${mode.toString(8)}); it is 600 now. If others may have read it, delete it and restart for a new token`
    : null;
  return { token, created: false, warning };
}

/** Never half-written: the whole file gets its name at the end. */
function createToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(temporary, `${token}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(temporary, path);
  return token;
}

function unusable(path: string, why: string): AppError {
  return new AppError('InvalidInput', `the API's token file ${path} ${why}`, {
    next: 'delete the file and start again: a new token is made',
  });
}
