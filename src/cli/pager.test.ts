import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { runFist } from '../../test/support/program.ts';
import { openPager } from './pager.ts';

const cleanup = createCleanup();
afterAll(() => cleanup.run());

/** Runs a command line on a terminal whose pager is this command; what the pager wrote, and what went past it. */
async function paged(PAGER: string, ...words: string[]) {
  const file = join(cleanup.temporaryFolder('pager'), 'shown');
  const descriptor = openSync(file, 'w');
  const page = async () => openPager({ ...process.env, PAGER }, descriptor);
  const { out, err, code } = await runFist(words, {}, { columns: 80, page });
  return { shown: readFileSync(file, 'utf8'), out, err, code };
}

test('a result is shown in the pager when it is asked for, and waited for', async () => {
  expect(await paged('sleep 0.05; sed s/^/page:/', 'version', '--pager')).toMatchObject({
    shown: expect.stringMatching(/^page:fist \d.*\n$/) as string,
    out: '',
    code: 0,
  });
  expect(await paged('sed s/^/page:/', 'version')).toMatchObject({
    shown: '',
    out: expect.stringMatching(/^fist/) as string,
  });
});

test('an error is not, and a pager that is left early or does not exist breaks nothing', async () => {
  expect(await paged('cat', 'explain', 'nothing', '--pager')).toMatchObject({
    shown: '',
    err: expect.stringMatching(/^error: /) as string,
    code: 2,
  });
  expect(await paged('true', 'explain', 'workflow', '--pager')).toMatchObject({ out: '', err: '', code: 0 });
  expect(await paged('exec /no/such/pager 2> /dev/null', 'version', '--pager')).toMatchObject({ code: 0 });
});
