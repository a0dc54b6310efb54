import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';
import { fileProblem } from '../lib/file-problem.ts';

/** The bearer token of the API. */
export interface ApiToken {
  readonly token: string;
  /** What was wrong with the file and was put right, for the log; null = nothing. */
  readonly warning: string | null;
}

const shortestToken = 16;
const modeMask = 0o777;

/**
 * Reads the token, or makes one (256 random bits) at the first start. The file can be read by its owner only; wider
 * permissions are taken away and named in `warning`. Throws InvalidInput for a file that holds no usable token, and where
 * none can be read or made.
 */
export function loadOrCreateToken(path: string): ApiToken {
  try {
    return readOrCreate(path);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('InvalidInput', `the API's token cannot be kept in ${path}: ${fileProblem(cause)}`, {
      cause,
      next: 'give the token instead of the file: FIST_TOKEN=$(openssl rand -hex 32)',
    });
  }
}

function readOrCreate(path: string): ApiToken {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return { token: createToken(path), warning: null };
  if (!status.isFile()) throw unusable(path, 'is not a regular file');
  const mode = status.mode & modeMask;
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
  if (isOpen) chmodSync(path, 0o600);
  const token = readFileSync(path, 'utf8').trim();
  const problem = problemOf(token);
  if (problem !== null) throw unusable(path, problem);
  const warning = isOpen
    ? `${path} could be read by others (mode ${mode.toString(8)}); it is 600 now. If others may have read it, delete it and restart for a new token`
    : null;
  return { token, warning };
}

/** A token that was given, for example by FIST_TOKEN. Throws InvalidInput. */
export function checkToken(token: string, field: string): string {
  const problem = problemOf(token);
  if (problem === null) return token;
  throw new AppError('InvalidInput', `${field} ${problem}`, { field, next: `${field}=$(openssl rand -hex 32)` });
}

function problemOf(token: string): string | null {
  if (token.length < shortestToken) return `holds no token of at least ${shortestToken} characters`;
  return /^[A-Za-z0-9._~+/=-]+$/.test(token) ? null : 'holds characters that a bearer token cannot have';
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
