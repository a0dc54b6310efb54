import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { fileProblem } from './file-problem.ts';

function thrownBy(path: string): unknown {
  try {
    return readFileSync(path);
  } catch (error) {
    return error;
  }
}

test('says in words why a file cannot be read', () => {
  expect(fileProblem(thrownBy('/no/such/file'))).toBe('no such file or folder');
  expect(fileProblem(thrownBy(tmpdir()))).toBe('it is a folder');
  expect(fileProblem(new Error('is larger than 4 MiB'))).toBe('is larger than 4 MiB');
  expect(fileProblem('odd')).toBe('odd');
});
