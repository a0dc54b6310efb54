import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockProblems, brokenLinks, listDocuments, parseBlocks, runDocument } from './docs.ts';
import { repositoryRoot } from './support/processes.ts';

const documents = listDocuments().map((file) => ({ file, text: readFileSync(join(repositoryRoot, file), 'utf8') }));
const withCommands = documents.filter(({ text }) =>
  parseBlocks(text).some(
    ({ language, marks }) => language === 'console' && !marks.includes('slow') && !marks.includes('cluster'),
  ),
);

describe('the documents', () => {
  it('show commands in console blocks only', () => {
    expect(documents.flatMap(({ file, text }) => blockProblems(file, parseBlocks(text)))).toEqual([]);
  });

  it('link to files that exist', () => {
    expect(documents.flatMap(({ file, text }) => brokenLinks(file, text))).toEqual([]);
  });
});

describe.concurrent('the commands', { timeout: 120_000 }, () => {
  it.each(withCommands)('of $file work as they are written', async ({ file }) => {
    expect(await runDocument(file, { slow: false })).toEqual([]);
  });
});

describe('reading a document', () => {
  it('finds blocks, marks, commands and continuations', () => {
    const text = ['```console server', '$ one \\', '  more', 'output', '```', '', '~~~yaml', 'a: 1', '~~~'].join('\n');
    expect(parseBlocks(text)).toEqual([
      { line: 1, language: 'console', marks: ['server'], commands: ['one \\\n  more'] },
      { line: 7, language: 'yaml', marks: [], commands: [] },
    ]);
  });

  it.each([
    ['```bash\n$ rm x\n```', 'not marked console'],
    ['```\n$ rm x\n```', 'not marked console'],
    ['```console\nnpm test\n```', 'without a line that begins'],
    ['```console quick\n$ true\n```', 'unknown mark quick'],
    ['```console server\n$ one\n$ two\n```', 'one command'],
  ])('complains about %j', (text, problem) => {
    expect(blockProblems('x.md', parseBlocks(text)).join()).toContain(problem);
  });

  it('finds links that lead nowhere', () => {
    expect(brokenLinks('README.md', '[a](nowhere.md) [b](package.json) [c](https://x.example/y) [d](#here)')).toEqual([
      'README.md links to nowhere.md, which does not exist',
    ]);
  });
});
