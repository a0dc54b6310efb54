import { globSync, readFileSync } from 'node:fs';

// What holds against an attacker, and the tests that say so: `docs/reference/security.md`, made of the titles of the tests.

/** By the number that titles of tests have: `R5: ...` or `... (R5, R9)`. */
export const requirements: Readonly<Record<string, string>> = {
  R1: 'What comes from outside (labels, annotations, logs, metrics, pages, objects) reaches a model only in blocks of data with their origin and random delimiters, never in instructions, names of tools, paths or commands.',
  R2: 'A model that obeys every order that it reads does nothing that is forbidden: each is denied where it would be done.',
  R3: 'Control characters, terminal sequences, bidirectional and invisible characters are shown escaped, to a model, a terminal and a chat.',
  R4: 'Nothing is remembered from one incident to the next but what people said, and what is remembered is marked as a hypothesis.',
  R5: 'The policy is asked when a tool is called, on every path; what is offered is no permission.',
  R6: 'Agent and tools start no shell, and no program but MCP servers that an operator names.',
  R7: 'Tools take named fields, never a command line; unknown fields and values that look like options are refused.',
  R8: 'No field of a tool is an option of kubectl: no other kubeconfig, server, token, identity, raw path, file or template.',
  R9: 'Kinds are allowed by name; Secrets are denied under every name that they have.',
  R10: 'A namespace that is missing, empty or a wildcard is the whole cluster, which has to be allowed.',
  R11: 'Metrics are read on the configured address by queries only, with bounds of time, steps, series and bytes.',
  R12: 'Pages are read from allowed schemes, hosts and ports only, with bounds of bytes and time, and nothing is sent to them.',
  R13: 'What the API server would allow beyond reading is not asked of it.',
  R14: 'Tokens and keys of the server stand in no prompt, row, log, trace, metric and delivery, and in the environment of no program.',
  R15: 'Commands of Workflows run only where the server was started for it, with an environment of their own.',
  R16: 'Addresses are resolved once and checked, whatever their form; the connection goes to what was checked, and redirects are not followed.',
  R17: 'Secrets of every known kind are taken out before a model, the store, a Sink and a collector see a text; where that fails nothing is passed on.',
  R18: 'Conversations are read with the token of the API only, and go with their runs.',
  R19: 'Nobody is spoken to but who is configured; nothing is reported home.',
  R20: 'Budgets of step, run, day and installation are asked before each request; a breach ends in a partial report.',
  R21: 'An identical call is answered from what is known, and the third is refused.',
  R22: 'A storm of alerts begins no more conversations than the caps allow.',
  R27: 'What a model says is text wherever it is shown: no link that hides, no image, no page, no mention, no header, no part of a report that is not ours.',
  R28: 'A statement counts only with evidence of this run whose words it quotes; a cause that nothing decisive shows is not stated.',
};

/** A test that says that something of it holds. */
export interface SecurityTest {
  readonly file: string;
  readonly title: string;
  readonly numbers: readonly string[];
}

const numbersOf = (text: string): readonly string[] => text.match(/\bR\d{1,2}\b/g) ?? [];

/** All tests of the folder whose titles have such a number, in the order of their files. */
export function securityTests(root: string): readonly SecurityTest[] {
  return globSync('{src,test}/**/*.test.ts', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .toSorted()
    .flatMap((file) => titlesOf(readFileSync(`${root}/${file}`, 'utf8')).map((title) => ({ file, ...title })));
}

/** Titles in a file of tests: `R1, R2: words` and `words (R1, R2)`. */
export function titlesOf(text: string): readonly Omit<SecurityTest, 'file'>[] {
  const literals = text.matchAll(/(['"`])((?:\\.|(?!\1)[^\\\n])*\bR\d{1,2}\b(?:\\.|(?!\1)[^\\\n])*)\1/g);
  return [...literals].flatMap(([, , literal = '']) => {
    const title = literal.replaceAll("\\'", "'");
    const [, before, after] = /^((?:R\d+, )*R\d+): |\(((?:R\d+, )*R\d+)\)$/.exec(title) ?? [];
    const numbers = before ?? after;
    if (numbers === undefined) return [];
    const words = title.replace(/^(?:R\d+, )*R\d+: | \((?:R\d+, )*R\d+\)$/g, '');
    return [{ title: words, numbers: numbersOf(numbers) }];
  });
}

/** The page. */
export function securityPage(tests: readonly SecurityTest[]): string {
  const rows = Object.entries(requirements).map(([number, text]) => {
    const own = tests
      .filter(({ numbers }) => numbers.includes(number))
      .map(({ title, file }) => `${title.replaceAll('|', '\\|').replaceAll('<', '\\<')} (\`${file}\`)`);
    return `| ${number} | ${text} | ${own.join('<br>')} |`;
  });
  return `# Security

Made by \`npm run gen\` of the titles of the tests. What an attacker may write is everything that the server reads: alerts, logs, objects, metrics, pages,
and what a model says. Each line holds whatever stands there, and names the tests that try. Approvals and changes of the cluster are not there yet,
and neither are their lines.

| | What holds | Tests |
| --- | --- | --- |
${rows.join('\n')}
`;
}
