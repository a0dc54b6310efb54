/**
 * What the arguments of a command mean, as far as it decides whether a template's value may stand there. Commands that are
 * not listed take values anywhere.
 */
export type CommandRule = CodeRule | PrefixRule | InterpreterRule | NamesRule | KubectlRule | ContainerRule | FindRule;

/** Every argument is, or may become, code: `eval`, `ssh`, `xargs`. */
interface CodeRule {
  readonly kind: 'code';
  /** Takes code from standard input too. */
  readonly readsStdin: boolean;
}

/** Runs the command in its arguments: `timeout 5 cmd`, `sudo -u x cmd`, `env A=b cmd`. */
export interface PrefixRule {
  readonly kind: 'prefix';
  /** Options whose value is the next word. */
  readonly valued: readonly string[];
  /** Operands in front of the command. */
  readonly operands: number;
  /** `name=value` in front of the command sets its environment. */
  readonly assignments: boolean;
  /** Options after which everything is code. */
  readonly codeFlags: readonly string[];
}

/** Runs code that comes from an option, an operand or standard input. */
export interface InterpreterRule {
  readonly kind: 'interpreter';
  /** Options whose value is code. */
  readonly codeFlags: readonly string[];
  /** Letters that mean the same in a cluster of short options (`-lc`). */
  readonly codeLetters: string;
  /** Options with a number of following words that are data. */
  readonly dataFlags: Readonly<Record<string, number>>;
  /** The first operand: a script file, code, or data like all others. */
  readonly firstOperand: 'script' | 'code' | 'data';
  /** What follows the code: operands of it that it may run, or data. */
  readonly rest: 'refused' | 'data';
  /** A data flag's value needs a literal `name=` in front. */
  readonly namedData: boolean;
  /** Words that are subcommands, not operands. */
  readonly subcommands: readonly string[];
  /** Reads a program from standard input where nothing else gives one. */
  readonly readsStdin: boolean;
}

/** Arguments are names of shell variables; `assignments`: with values. */
interface NamesRule {
  readonly kind: 'names';
  readonly assignments: boolean;
}

interface KubectlRule {
  readonly kind: 'kubectl';
}

interface ContainerRule {
  readonly kind: 'container';
}

interface FindRule {
  readonly kind: 'find';
}

function interpreter(rule: Partial<InterpreterRule>): InterpreterRule {
  return {
    kind: 'interpreter',
    codeFlags: [],
    codeLetters: '',
    dataFlags: {},
    firstOperand: 'script',
    rest: 'refused',
    namedData: false,
    subcommands: [],
    readsStdin: true,
    ...rule,
  };
}

function prefix(rule: Partial<PrefixRule>): PrefixRule {
  return { kind: 'prefix', valued: [], operands: 0, assignments: false, codeFlags: [], ...rule };
}

const shell = interpreter({
  codeFlags: ['--command', '--rcfile', '--init-file'],
  codeLetters: 'c',
  dataFlags: { '-o': 1, '+o': 1, '-O': 1, '+O': 1 },
});
const python = interpreter({ codeFlags: ['-c'], codeLetters: 'c', dataFlags: { '-W': 1, '-X': 1 } });
const perl = interpreter({ codeFlags: ['-e', '-E'], codeLetters: 'eE' });
const ruby = interpreter({ codeFlags: ['-e', '-r', '-I'], codeLetters: 'e' });
const node = interpreter({
  codeFlags: ['-e', '--eval', '-p', '--print', '-r', '--require', '--import', '--loader', '--experimental-loader'],
  codeLetters: 'ep',
});
const php = interpreter({ codeFlags: ['-r', '--run', '-d', '-B', '-R', '-E', '-F'], codeLetters: 'rdBREF' });
const evaluator = interpreter({ codeFlags: ['-e', '-E', '-p', '-l'], codeLetters: 'eEpl' });
const awk = interpreter({
  codeFlags: ['-f', '--file', '-e', '--source', '-E', '--exec', '-i', '--include', '-l', '--load'],
  dataFlags: { '-v': 1, '--assign': 1, '-F': 1 },
  firstOperand: 'code',
  namedData: true,
  readsStdin: false,
});
const sed = interpreter({
  codeFlags: ['-e', '--expression', '-f', '--file'],
  codeLetters: 'ef',
  firstOperand: 'code',
  rest: 'data',
  readsStdin: false,
});
const jq = interpreter({
  codeFlags: ['-f', '--from-file', '-L'],
  codeLetters: 'f',
  dataFlags: { '--arg': 2, '--argjson': 2, '--slurpfile': 2, '--rawfile': 2, '--indent': 1 },
  firstOperand: 'code',
  rest: 'data',
  subcommands: ['e', 'eval', 'ea', 'eval-all'],
  readsStdin: false,
});
const sql = interpreter({
  codeFlags: [
    '-c',
    '--command',
    '-f',
    '--file',
    '-e',
    '--execute',
    '-q',
    '--query',
    '--queries-file',
    '--init-command',
  ],
  codeLetters: 'cfeq',
  firstOperand: 'data',
  rest: 'data',
});

const names: NamesRule = { kind: 'names', assignments: true };
const onlyNames: NamesRule = { kind: 'names', assignments: false };
const container: ContainerRule = { kind: 'container' };

function all<Rule>(rule: Rule, ...commands: readonly string[]): readonly (readonly [string, Rule])[] {
  return commands.map((command) => [command, rule] as const);
}

const never: CodeRule = { kind: 'code', readsStdin: false };
const always: CodeRule = { kind: 'code', readsStdin: true };

const rules: ReadonlyMap<string, CommandRule> = new Map<string, CommandRule>([
  ...all(
    never,
    'eval',
    'trap',
    'alias',
    'let',
    'watch',
    'make',
    'gmake',
    '.',
    'source',
    'script',
    'screen',
    'tmux',
    'socat',
  ),
  ...all(
    never,
    'entr',
    'systemd-run',
    'start-stop-daemon',
    'vi',
    'vim',
    'nvim',
    'emacs',
    '[[',
    'coproc',
    'declare',
    'typeset',
  ),
  ...all(never, 'bind', 'complete', 'compgen', 'enable', 'mapfile', 'readarray', 'deno', 'rlwrap', 'tclsh', 'wish'),
  ...all(
    always,
    'xargs',
    'parallel',
    'at',
    'batch',
    'crontab',
    'ed',
    'ex',
    'bc',
    'dc',
    'm4',
    'gdb',
    'expect',
    'su',
    'osascript',
  ),
  ...all(
    always,
    'sqlite',
    'duckdb',
    'mongo',
    'mongosh',
    'sqlplus',
    'irb',
    'pry',
    'ghci',
    'jshell',
    'groovy',
    'scala',
    'pwsh',
  ),
  ...all(always, 'powershell', 'cmd', 'R', 'octave', 'gnuplot', 'lftp', 'ftp', 'sftp', 'telnet'),
  ...all(always, 'ssh', 'rsh', 'remsh', 'mosh', 'pssh', 'pdsh', 'autossh', 'plink', 'ansible'),
  ...all(
    shell,
    'sh',
    'bash',
    'rbash',
    'dash',
    'ash',
    'hush',
    'ksh',
    'mksh',
    'pdksh',
    'zsh',
    'fish',
    'csh',
    'tcsh',
    'yash',
  ),
  ...all(python, 'python', 'pypy', 'ipython', 'micropython'),
  ...all(perl, 'perl'),
  ...all(ruby, 'ruby', 'jruby'),
  ...all(node, 'node', 'nodejs', 'bun', 'tsx', 'ts-node'),
  ...all(php, 'php'),
  ...all(evaluator, 'lua', 'luajit', 'Rscript', 'julia', 'elixir', 'guile', 'racket', 'sbcl'),
  ...all(awk, 'awk', 'gawk', 'mawk', 'nawk', 'original-awk'),
  ...all(sed, 'sed', 'gsed'),
  ...all(jq, 'jq', 'gojq', 'jaq', 'yq'),
  ...all(sql, 'psql', 'mysql', 'mariadb', 'clickhouse', 'clickhouse-client', 'cqlsh', 'influx', 'trino', 'presto'),
  ...all(names, 'export', 'readonly', 'local'),
  ...all(onlyNames, 'unset', 'read', 'getopts'),
  ...all<CommandRule>({ kind: 'kubectl' }, 'kubectl', 'oc', 'k3s', 'microk8s'),
  ...all(container, 'docker', 'podman', 'nerdctl', 'crictl', 'ctr', 'buildah', 'lxc', 'machinectl'),
  ...all<CommandRule>({ kind: 'find' }, 'find', 'fd', 'fdfind', 'bfs'),
  [
    'env',
    prefix({ valued: ['-u', '--unset', '-C', '--chdir'], assignments: true, codeFlags: ['-S', '--split-string'] }),
  ],
  [
    'sudo',
    prefix({
      valued: ['-u', '-g', '-h', '-p', '-C', '-r', '-t', '-T', '-U', '-D', '-R', '--user', '--group'],
      assignments: true,
    }),
  ],
  ['doas', prefix({ valued: ['-u', '-C'] })],
  ['runuser', prefix({ valued: ['-u', '-g', '-G', '--user', '--group'], codeFlags: ['-c', '--command'] })],
  ...all(prefix({ valued: ['-n', '--adjustment'] }), 'nice'),
  ...all(prefix({ valued: ['-c', '-n', '-p', '-t', '--class', '--classdata'] }), 'ionice'),
  ...all(prefix({ valued: ['-i', '-o', '-e', '--input', '--output', '--error'] }), 'stdbuf'),
  ...all(prefix({ valued: ['-f', '-o', '--format', '--output'] }), 'time'),
  ...all(prefix({ valued: ['-s', '-k', '--signal', '--kill-after'], operands: 1 }), 'timeout', 'gtimeout'),
  ...all(prefix({ operands: 1 }), 'chroot', 'gosu', 'su-exec', 'chrt', 'taskset', 'setarch'),
  ['flock', prefix({ valued: ['-w', '-E', '--timeout', '--wait'], operands: 1, codeFlags: ['-c', '--command'] })],
  ['exec', prefix({ valued: ['-a'] })],
  ['nsenter', prefix({ valued: ['-t', '-S', '-G', '--target'] })],
  ['strace', prefix({ valued: ['-e', '-o', '-p', '-s', '-u', '-E', '-P'] })],
  ['catchsegv', prefix({})],
  ...all(
    prefix({}),
    'command',
    'builtin',
    'nohup',
    'setsid',
    'busybox',
    'toybox',
    'unshare',
    'tini',
    'dumb-init',
    'chronic',
  ),
  ...all(prefix({ valued: ['-p', '-f', '-d'] }), 'sshpass'),
]);

/** The name by which a command is looked up: without folder, version and `.exe` (`/usr/bin/python3.11` is `python`). */
export function commandName(word: string): string {
  const base = word.slice(word.lastIndexOf('/') + 1).replace(/\.exe$/i, '');
  if (rules.has(base)) return base;
  const unversioned = base.replace(/-?[0-9][0-9.]*$/, '');
  return rules.has(unversioned) ? unversioned : base;
}

export function ruleOf(command: string): CommandRule | undefined {
  return rules.get(command);
}
