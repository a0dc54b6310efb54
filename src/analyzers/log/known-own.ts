import { join } from './known.ts';
import type { KnownFailure } from './known.ts';

/** What the process itself lacks or may not do. */
export const own: readonly KnownFailure[] = [
  {
    kind: 'port-in-use',
    pattern: join(
      'address already in use',
      'EADDRINUSE|:eaddrinuse|WSAEADDRINUSE',
      'address in use',
      'port\\b.{0,30}\\b(?:is )?already (?:in use|allocated|bound|being used)',
      'only one usage of each socket address',
    ),
    says: 'Another process in the pod (or on the node, with the network of the host) listens on that port already.',
  },
  {
    kind: 'read-only',
    pattern: join(
      'read-?only file ?system',
      '\\bEROFS\\b',
      'mounted read-?only|read-?only director',
      'read-?only (?:database|replica|transaction|mode)\\b',
      '--(?:super-)?read-only option',
      "READONLY You can't write",
    ),
    says: 'What it writes to is read-only.',
  },
  {
    kind: 'disk-full',
    pattern: join(
      'no space left on device',
      '\\bENOSPC\\b',
      'disk quota exceeded|\\bEDQUOT\\b',
      'disk (?:is )?full',
      'could not extend file',
      'flood[- ]stage (?:disk )?watermark',
      'not enough (?:free )?(?:disk )?space',
    ),
    says: 'A disk is full.',
  },
  {
    kind: 'open-files',
    pattern:
      /too many open files|\bE[MN]FILE\b|inotify (?:instances|watches)|system limit for number of file watchers|vm\.max_map_count|max file descriptors .{0,40}too low/i,
    says: 'A limit of the node (open files, watches, memory maps) is reached or too low.',
  },
  {
    kind: 'permission',
    pattern: join(
      'permission denied',
      '\\bEACCES\\b|\\bEPERM\\b',
      'operation not permitted|does not have the access rights',
      'java\\.nio\\.file\\.AccessDeniedException',
      'UnauthorizedAccessException|PermissionError',
      '\\bis not writ(?:e)?able\\b',
      'wrong (?:owner|permissions)|has (?:invalid|wrong) permissions|permissions should be',
      'must (?:only )?be (?:accessible|readable|owned) (?:only )?by (?:the |its )?(?:owner|current user)|(?:permissions?|mode)\\b.{0,60}\\btoo (?:open|permissive)|has group or (?:world|other) access|unprotected (?:private )?key',
      'must (?:not )?be run as root|can not run (?:\\w+ )?as root|running as root is not',
    ),
    says: 'The process may not do it: owner, mode or security context do not fit.',
  },
  {
    kind: 'locked',
    pattern: join(
      'lock file .{0,200}(?:already exists|is held)',
      'already (?:locked|running)\\b',
      'could not (?:obtain|acquire|get) (?:the )?lock',
      'unable to (?:obtain|acquire|lock)\\b.{0,40}\\block',
      '(?:unable to|cannot|could not|failed to) lock \\S{1,200}',
      'failed to (?:create ?(?:\\/|or) ?)?(?:obtain|acquire) .{0,40}lock',
      'another (?:instance|process|node) .{0,60}(?:running|using|holds)',
      'LockObtainFailedException',
      'opening lock file|DB is locked|resource temporarily unavailable',
    ),
    says: 'Another process holds the lock.',
  },
  {
    kind: 'damaged-data',
    pattern: join(
      '(?<!\\bno )\\bcorrupt(?:ed|ion)?\\b',
      '(?<!migration )checksum mismatch(?! for migration)|bad (?:checksum|crc)|(?:checksum|crc) (?:error|failure|failed)',
      'could not locate a valid checkpoint',
      'bad magic|invalid magic|bad file format',
    ),
    says: 'What it reads is damaged.',
  },
  {
    kind: 'other-version',
    pattern: join(
      'database files are incompatible|incompatible with (?:this version|server)|was initialized by PostgreSQL',
      '(?:cannot|can not|unsupported) (?:upgrade|downgrade)|downgrade is not supported',
      'Invalid MySQL server (?:down|up)grade',
      '\\b(?:schema|format|version|database|state|data|index|snapshot|metadata)\\b.{0,60}\\b(?:is|was written by a) newer (?:version )?than\\b.{0,60}\\b(?:support|know|binary|version|program|release)',
      'created (?:by|with) a newer version|from a newer version of|unsupported (?:schema|file|on-disk|data|storage|format) (?:format )?version',
    ),
    says: 'The data on disk cannot be used by this version of the program.',
  },
  {
    kind: 'missing-variable',
    pattern: join(
      'env(?:ironment)? ?var(?:iable)?s?\\b.{0,120}\\b(?:not set|unset|missing|required|undefined|empty|not found|not defined|must be|not present|is needed)',
      '(?:missing|required|undefined|unset|need|set)\\b.{0,30}\\benv(?:ironment)? ?var(?:iable)?s?\\b',
      'parameter (?:not set|null or not set)',
      'unbound variable',
      'Could not resolve placeholder',
    ),
    says: '',
  },
  {
    kind: 'unknown-option',
    pattern: join(
      '(?:unknown|unrecognized|invalid|illegal|unsupported) (?:shorthand )?(?:flag|option|argument|command|directive|subcommand|parameter|setting|variable)s?\\b',
      'flag provided but not defined',
      'unexpected (?:argument|keyword argument)',
      'no such option',
      'bad directive',
      'unrecognized VM option',
      'unknown directive',
      'unknown field',
      'unknown variable',
    ),
    says: 'The program does not know something that it is given.',
  },
  {
    kind: 'missing-setting',
    pattern: join(
      'required (?:flag|option|argument|parameter|setting|property|field|configuration)\\(?s?\\)?',
      '(?:flag|option|argument|parameter|setting|property|configuration|config|key|url|value|password|token|secret|credential)s?\\b.{0,80}\\b(?:not set|is unset|is missing|is required|are required|not provided|not specified|was not given|must be (?:set|specified|provided)|is empty|must not be empty|not configured|is undefined|is not defined|were not provided)',
      'missing (?:required )?(?:flag|option|argument|parameter|setting|property|configuration|config|key|value|password|token|secret|credentials?)\\b',
      '\\b(?:you must|you need to|please) (?:set|specify|provide|configure|define)\\b',
      'Failed to configure a DataSource',
      '\\bis not set\\b',
      'not specified\\b',
    ),
    says: '',
  },
];

/** Words that stand in many a line: what says more comes before them. */
export const vague: readonly KnownFailure[] = [
  {
    kind: 'missing-file',
    pattern: join(
      'no such file or directory',
      '\\bENOENT\\b',
      'FileNotFound(?:Exception|Error)|NoSuchFileException|DirectoryNotFoundException',
      'cannot find (?:the )?(?:file|module|package)',
      'MODULE_NOT_FOUND|ModuleNotFoundError|no module named',
      'ClassNotFoundException|NoClassDefFoundError|could not find or load main class',
      'unable to access jarfile',
      "cannot open shared object file|error while loading shared libraries|version [`']GLIBC",
      "cannot load such file|could not find (?:gem|file)|in locally installed gems|Can't locate \\S+ in @INC",
      'you must install or update \\.NET',
      '(?:command|executable file|file|binary) not found',
      '(?:sh|bash|ash|dash|entrypoint\\S*): .{0,80}: not found',
      'does not exist$|file .{0,160} does not exist|open \\S+: the system cannot find',
    ),
    says: '',
  },
  {
    kind: 'broken-config',
    pattern: join(
      '(?:yaml|json|toml|ini|xml|hcl): (?:line|cannot|error|invalid|unknown|unmarshal)',
      '(?:error|failed|cannot|could not|unable to|invalid|failure|failing) .{0,60}\\b(?:pars(?:e|ing)|unmarshal\\w*|decod(?:e|ing)|load(?:ing)?|read(?:ing)?|validat\\w+)\\b.{0,60}\\b(?:config\\w*|yaml|json|toml|settings|properties|file)\\b',
      '(?:invalid|bad|malformed|broken) (?:config\\w*|yaml|json|toml|settings?|value|url|port|duration|dsn|connection string|certificate|key)\\b',
      'invalid character .{0,20} (?:looking for|after|in)',
      'mapping values are not allowed|did not find expected|found character that cannot start',
      'config(?:uration)?\\b.{0,80}\\b(?:test failed|is invalid|has errors?)',
      'ConfigurationError|ConfigException|failed to bind properties|InvalidConfiguration|ImproperlyConfigured',
      'cannot assign requested address|EADDRNOTAVAIL',
      'syntax error',
    ),
    says: 'Its configuration cannot be used.',
  },
  {
    kind: 'program-error',
    pattern: join(
      'nil pointer dereference',
      'NullPointerException|NullReferenceException',
      'segmentation fault|\\bSIGSEGV\\b|\\bSIGABRT\\b|\\bSIGBUS\\b|\\bSIGILL\\b',
      'index out of (?:range|bounds)',
      'cannot read propert(?:y|ies) of (?:undefined|null)',
      'is not a function',
      'concurrent map (?:writes|read)|nil map|slice bounds out of range|closed channel|interface conversion|integer divide by zero',
      'stack smashing detected|double free|free\\(\\): invalid|corrupted size vs',
      'all goroutines are asleep',
      'stack overflow|StackOverflowError|maximum call stack|maximum recursion depth',
      'AssertionError|assertion .{0,80}failed',
      'TypeError|AttributeError|NameError|ImportError|SyntaxError|ValueError',
    ),
    says: '',
  },
];
