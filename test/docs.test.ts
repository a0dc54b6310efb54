import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blockProblems, brokenLinks, listDocuments, outputProblem, parseBlocks } from './docs.ts';
import { repositoryRoot } from './support/processes.ts';

const documents = listDocuments().map((file) => ({ file, text: readFileSync(join(repositoryRoot, file), 'utf8') }));

describe('the documents', () => {
  it('show commands in console blocks only', () => {
    expect(documents.flatMap(({ file, text }) => blockProblems(file, parseBlocks(text)))).toEqual([]);
  });

  it('link to files that exist', () => {
    expect(documents.flatMap(({ file, text }) => brokenLinks(file, text))).toEqual([]);
  });
});

describe('reading a document', () => {
  it('finds blocks, marks, commands and continuations', () => {
    const text = ['```console server', '$ one \\', '  more', 'output', '```', '', '~~~yaml', 'a: 1', '~~~'].join('\n');
    expect(parseBlocks(text)).toEqual([
      { line: 1, language: 'console', marks: ['server'], commands: ['one \\\n  more'], outputs: ['output\n'] },
      { line: 7, language: 'yaml', marks: [], commands: [], outputs: [] },
    ]);
  });

  it.each([
    ['```bash\n$ rm x\n```', 'not marked console'],
    ['```\n$ rm x\n```', 'not marked console'],
    ['```console\nnpm test\n```', 'without a line that begins'],
    ['```console quick\n$ true\n```', 'unknown mark quick'],
    ['```console server\n$ one\n$ two\n```', 'one command'],
    ['```console output\n$ one\n```', 'shows no output'],
    ['```console\n$ one\ntwo\n```', 'has no mark output'],
  ])('complains about %j', (text, problem) => {
    expect(blockProblems('x.md', parseBlocks(text)).join()).toContain(problem);
  });

  it.each([
    ['run 0199c0de-0000-7000-8000-000000000001 took 12 ms', 'run 01a22747-fc85-75fe-9519-b0f976b5666c took 2.5 s'],
    ['ID        AGE\n0199c0de  5m', 'ID  AGE\n01a22747  3h20m'],
    ['at 2026-11-23 18:09:26 UTC', 'at 2026-11-29T12:00:00.123Z'],
    ['70.9 GiB free at http://127.0.0.1:8084', '2 GiB free at http://127.0.0.1:39211'],
    ['first\n...\nlast', 'first\none\ntwo\nlast\n'],
  ])('takes %j for %j: times, ids, sizes and ports differ from run to run', (shown, printed) => {
    expect(outputProblem(shown, printed)).toBeNull();
  });

  it.each([
    ['1 alert', '2 alerts'],
    ['CrashLoopBackOff', 'ImagePullBackOff'],
    ['first\n...\nlast', 'first\nlast one'],
    ['critical KubePodCrashLooping', 'critical'],
  ])('does not take %j for %j', (shown, printed) => {
    expect(outputProblem(shown, printed)).toContain(printed);
  });

  it('finds links that lead nowhere', () => {
    expect(brokenLinks('README.md', '[a](nowhere.md) [b](package.json) [c](https://x.example/y) [d](#here)')).toEqual([
      'README.md links to nowhere.md, which does not exist',
    ]);
  });
});
