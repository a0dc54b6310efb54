/** What shells themselves set or go by, and what decides what code programs run, where it comes from or whom they talk to. */
const powerfulVariables = new RegExp(
  `^(?:_|${[
    'PATH|IFS|ENV|BASH.*|SHELL.*|SHLVL|PS[0-9]|PROMPT.*|CDPATH|HOME|PWD|OLDPWD|FPATH|GLOB.*|OPT(?:ARG|IND|ERR)|TMPDIR|TMOUT',
    'RANDOM|SRANDOM|SECONDS|LINENO|REPLY|EPOCH.*|HIST.*|HOST.*|MACHTYPE|OSTYPE|PPID|UID|EUID|GROUPS|DIRSTACK|PIPESTATUS',
    'FUNC.*|COMP.*|COLUMNS|LINES|READLINE.*|MAPFILE|COPROC|FIGNORE|EXECIGNORE|FCEDIT|IGNOREEOF|INPUTRC|MAIL.*|TIMEFORMAT',
    'CHILD_MAX|POSIXLY_CORRECT|INSIDE_EMACS|EMACS|TERM|LANG|LANGUAGE|LC_.*|TZ|DEBUGINFOD.*|auto_resume|histchars|ERRNO|KSH.*',
    'LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|TERMINFO.*|TERMCAP|MALLOC_.*|GLIBC_.*|.*_PROXY|.*_proxy',
    'PYTHON.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|NODE_.*|NPM_.*|npm_.*|LUA_.*|PHPRC|PHP_.*|CLASSPATH|_?JAVA_.*|JDK_.*|AWKPATH|AWKLIBPATH',
    'EDITOR|VISUAL|.*EDITOR|.*PAGER|LESS.*|BROWSER|GIT_.*|SSH_.*|RSYNC_.*|CVS_RSH|XDG_.*|KUBE.*|HELM_.*|CURL_.*|SSL.*|OPENSSL_.*',
    'DOCKER_.*|PG.*|PSQL.*|MYSQL_.*|GREP_.*|TAR_OPTIONS|TAPE|AWS_.*|CLOUDSDK_.*|GOOGLE_.*|AZURE_.*|FIST_.*',
  ].join('|')})$`,
);

/** Whether setting a variable may make a shell or some program do something else than it is told. */
export function isPowerful(variable: string): boolean {
  return powerfulVariables.test(variable);
}
