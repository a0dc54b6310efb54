import type { Kind } from './state.ts';

/**
 * A program that a command with template values may run. What is not said here it may not be given: no other options, no
 * other subcommands, no values elsewhere. A program is listed only if nothing that it is given so, nor its standard input,
 * can make it run something else, write a file of another's choice, or take a value for an option.
 */
export interface Program {
  /** By name. `undefined`: no word is an option. */
  readonly options: ReadonlyMap<string, Option> | undefined;
  /** Kinds of the operands in order; the last holds for all that follow. None: no operands. */
  readonly operands: readonly Kind[];
  /** The same behind `--`. */
  readonly dashed: readonly Kind[];
  /** Subcommands, with the number of operands behind each that must be literal. */
  readonly leads: ReadonlyMap<string, number> | undefined;
  /** Options that hold what else the first operand is. */
  readonly shifts: ReadonlySet<string>;
}

export interface Option {
  /** Kinds of the words that follow; none for a switch. */
  readonly kinds: readonly Kind[];
  /** Its value, if any, is attached with `=`. */
  readonly isAttached: boolean;
}

interface Declaration {
  /** `-q`, `-n:data`, `--arg:constant,data`, `--color=constant`, parted by blanks; `-NUMBER` is `-5`. Absent: no options. */
  readonly options?: string;
  readonly operands?: readonly Kind[];
  readonly dashed?: readonly Kind[];
  readonly leads?: Readonly<Record<string, number>>;
  readonly shifts?: readonly string[];
}

function program({ options, operands = ['constant'], dashed = operands, leads, shifts = [] }: Declaration): Program {
  return {
    options: options === undefined ? undefined : parseOptions(options),
    operands,
    dashed,
    leads: leads === undefined ? undefined : new Map(Object.entries(leads)),
    shifts: new Set(shifts),
  };
}

function parseOptions(text: string): ReadonlyMap<string, Option> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return new Map(
    words.map((word) => {
      const [name = '', kinds] = word.split(/[:=]/);
      return [name, { kinds: (kinds?.split(',') ?? []) as Kind[], isAttached: word.includes('=') }];
    }),
  );
}

const kubectl = program({
  options: `-n:data --namespace:data -A --all-namespaces -l:data --selector:data -c:data --container:data --context:constant
    --cluster:constant -o:constant --output:constant --template:constant --field-selector:data --sort-by:constant
    --no-headers --show-labels --show-managed-fields -L:constant --label-columns:constant -w --watch --chunk-size:constant
    --ignore-not-found --request-timeout:data --tail:data --since:data --since-time:data --limit-bytes:data --timestamps
    --prefix -p --previous --all-containers --all-pods --max-log-requests:data --containers --sum --use-protocol-buffers
    --types:constant --for:constant --timeout:data --replicas:data --current-replicas:data --revision:data --to-revision:data
    --grace-period:data --force --now --wait --all --cascade=constant --dry-run=constant --overwrite --ignore-daemonsets
    --delete-emptydir-data --disable-eviction --pod-selector:data --skip-wait-for-delete-timeout:data --client
    --api-group:constant --namespaced --verbs:constant --api-version:constant --recursive -q --quiet --list --subresource:constant`,
  operands: ['subject'],
  dashed: ['data'],
  leads: {
    get: 1,
    describe: 1,
    logs: 0,
    events: 0,
    'top pod': 0,
    'top pods': 0,
    'top po': 0,
    'top node': 0,
    'top nodes': 0,
    'top no': 0,
    wait: 1,
    'rollout status': 1,
    'rollout history': 1,
    'rollout restart': 1,
    'rollout undo': 1,
    'rollout pause': 1,
    'rollout resume': 1,
    scale: 1,
    delete: 1,
    label: 1,
    annotate: 1,
    cordon: 0,
    uncordon: 0,
    drain: 0,
    'auth can-i': 2,
    'auth whoami': 0,
    'api-resources': 0,
    'api-versions': 0,
    'cluster-info': 0,
    explain: 1,
    version: 0,
  },
});

const helm = program({
  options: `-n:data --namespace:data -A --all-namespaces --kube-context:constant -o:constant --output:constant --revision:data
    --max:data -a --all --show-resources --show-desc --deployed --failed --pending -q --short --filter:constant`,
  operands: ['subject'],
  dashed: ['data'],
  leads: {
    list: 0,
    ls: 0,
    status: 0,
    history: 0,
    'get values': 0,
    'get manifest': 0,
    'get notes': 0,
    'get hooks': 0,
    'get metadata': 0,
    version: 0,
  },
});

const curl = program({
  options: `-s --silent -S --show-error -f --fail --fail-with-body -L --location -k --insecure -i --include -I --head -v
    --verbose -g --globoff -G --get --compressed -4 --ipv4 -6 --ipv6 -N --no-buffer -q --disable --http1.1 --http2 -X:constant
    --request:constant -m:data --max-time:data --connect-timeout:data --retry:data --retry-delay:data --retry-max-time:data
    --retry-connrefused --retry-all-errors -w:constant --write-out:constant -o:file --output:file -A:line --user-agent:line
    -u:data --user:data -H:header --header:header -d:body --data:body --data-ascii:body --data-binary:body --json:body
    --data-raw:data --data-urlencode:named --url-query:named --form-string:named --url:url --cacert:constant
    --max-redirs:constant`,
  operands: ['url'],
});

const jq = program({
  options: `-r --raw-output -c --compact-output -e --exit-status -s --slurp -n --null-input -R --raw-input -j --join-output
    -S --sort-keys -M --monochrome-output -C -a --ascii-output --tab --indent:constant --arg:constant,data
    --argjson:constant,data --slurpfile:constant,constant --rawfile:constant,constant --stream --seq`,
  operands: ['jq', 'path'],
});

const grep = program({
  options: `-q --quiet --silent -i --ignore-case -v --invert-match -c --count -n --line-number -o --only-matching -h -H -w
    --word-regexp -x --line-regexp -E --extended-regexp -F --fixed-strings -G -s --no-messages -l -L -r --recursive -a --text
    -m:data --max-count:data -A:data --after-context:data -B:data --before-context:data -C:data --context:data -e:data
    --regexp:data --color=constant --include:constant --exclude:constant`,
  operands: ['constant', 'path'],
  dashed: ['data', 'path'],
  shifts: ['-e', '--regexp'],
});

const sed = program({
  options: `-n --quiet --silent -E -r --regexp-extended -u --unbuffered -s --separate -z --null-data -e:sed --expression:sed`,
  operands: ['sed', 'path'],
  shifts: ['-e', '--expression'],
});

const awk = program({ options: '-F:constant -v:named', operands: ['awk', 'path'] });

/** Their operands are files that they read. */
function filter(options: string, operands: readonly Kind[] = ['path']): Program {
  return program({ options, operands });
}

const onlyText = program({ operands: ['text'] });
const onlyConstants = program({ operands: ['constant'] });
const test = program({ operands: ['test'] });
const sum = filter('-b --binary -t --text --tag -z --zero');

/** Every program that a command with template values may run. */
const programs: ReadonlyMap<string, Program> = new Map([
  // of the shell
  ['echo', onlyText],
  ['printf', program({ operands: ['format', 'text'] })],
  [':', onlyText],
  ['true', onlyText],
  ['false', onlyText],
  ['test', test],
  ['[', test],
  ['exit', onlyConstants],
  ['break', onlyConstants],
  ['continue', onlyConstants],
  ['wait', program({ operands: [] })],
  ['pwd', program({ operands: [] })],
  ['set', program({ options: '-e -u -x -f -o:setting', operands: ['setting'] })],
  ['read', program({ options: '-r', operands: ['variable'] })],
  // clusters and services
  ['kubectl', kubectl],
  ['oc', kubectl],
  ['helm', helm],
  ['curl', curl],
  [
    'journalctl',
    program({
      options: `-u:data --unit:data -n:constant --since:data -S:data --until:data -U:data -p:data --priority:data
        -b -k --dmesg -o:constant --output:constant --no-pager -q --quiet -r --reverse --utc -t:data --identifier:data -g:data
        --grep:data`,
      operands: [],
    }),
  ],
  [
    'systemctl',
    program({
      options:
        '--no-pager -q --quiet -n:data --lines:data -l --full -p:constant --property:constant --value --user --system',
      operands: ['subject'],
      dashed: ['data'],
      leads: { status: 0, show: 0, 'is-active': 0, 'is-failed': 0, 'is-enabled': 0 },
    }),
  ],
  [
    'ping',
    program({
      options: '-c:data -W:data -w:data -i:data -q -n -4 -6',
      operands: ['subject'],
      dashed: ['data'],
    }),
  ],
  ['getent', program({ options: '', operands: ['constant', 'subject'], dashed: ['constant', 'data'] })],
  // text
  ['jq', jq],
  ['grep', grep],
  ['egrep', grep],
  ['fgrep', grep],
  ['sed', sed],
  ['awk', awk],
  ['mawk', awk],
  ['gawk', awk],
  ['cat', filter('-n -A -b -s -v -E -T -e -t -u')],
  ['head', filter('-n:data --lines:data -c:data --bytes:data -q -v -NUMBER')],
  ['tail', filter('-n:data --lines:data -c:data --bytes:data -q -v -NUMBER')],
  ['wc', filter('-l --lines -w --words -c --bytes -m --chars -L')],
  ['sort', filter('-n -r -u -h -V -f -b -g -M -d -i -s -z -k:constant -t:constant --numeric-sort --reverse --unique')],
  ['uniq', filter('-c --count -d -D -u -i -z -f:constant -s:constant -w:constant', ['path', 'file'])],
  ['cut', filter('-d:constant -f:constant -c:constant -b:constant -s --complement --output-delimiter:constant')],
  ['tr', filter('-d -s -c -C -t', ['constant'])],
  ['rev', filter('')],
  ['tac', filter('-s:constant')],
  ['nl', filter('-b:constant -w:constant -s:constant')],
  ['fold', filter('-w:constant -s')],
  ['column', filter('-t -s:constant')],
  ['paste', filter('-s -d:constant')],
  ['diff', filter('-u -q -r -w -b -i')],
  ['base64', filter('-d --decode -w:constant')],
  ['md5sum', sum],
  ['sha1sum', sum],
  ['sha256sum', sum],
  ['tee', filter('-a', ['file'])],
  // names, time, the machine
  ['basename', program({ options: '-a -s:constant', operands: ['subject'], dashed: ['data', 'constant'] })],
  ['dirname', program({ options: '', operands: ['subject'], dashed: ['data'] })],
  ['date', program({ options: '-u --utc -R -I -d:data --date:data', operands: ['constant'] })],
  ['sleep', program({ options: '', operands: ['constant'], dashed: ['data'] })],
  ['seq', program({ options: '-w -s:constant', operands: ['constant'] })],
  ['ls', filter('-l -a -A -h -t -r -1 -d -R -S')],
  ['stat', filter('-c:constant -L')],
  ['du', filter('-s -h -k -m -c -x')],
  ['df', filter('-h -k -m -P -i -T')],
  ['free', filter('-h -k -m -b', [])],
  ['ps', program({ options: '-e -f -A -o:constant --sort:constant', operands: ['constant'] })],
  ['uptime', filter('-p -s', [])],
  ['uname', filter('-a -r -n -m -s', [])],
  ['hostname', filter('', [])],
  ['id', filter('-u -g -n', [])],
  ['whoami', filter('', [])],
  ['nproc', filter('', [])],
  ['printenv', program({ operands: ['constant'] })],
]);

export function findProgram(name: string): Program | undefined {
  return programs.get(name);
}
