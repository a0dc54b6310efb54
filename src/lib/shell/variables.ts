/** Environment and shell variables that decide what code runs. */
const powerfulVariables = new RegExp(
  `^(?:${[
    'PATH|IFS|ENV|BASH.*|SHELL.*|PS[0-4]|PROMPT_COMMAND|CDPATH|HOME|FPATH|GLOBIGNORE|OPTIND|TMPDIR',
    'LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|TERMINFO.*|MALLOC_.*|GLIBC_.*',
    'PYTHON.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|NODE_.*|NPM_.*|LUA_.*|PHPRC|PHP_.*|CLASSPATH|_?JAVA_.*|JDK_.*|AWKPATH|AWKLIBPATH',
    'EDITOR|VISUAL|.*EDITOR|.*PAGER|LESS.*|BROWSER|GIT_.*|SSH_.*|RSYNC_.*|CVS_RSH|XDG_.*|KUBECONFIG|DOCKER_.*|PG.*|MYSQL_.*',
    'FIST_.*',
  ].join('|')})$`,
);

/** Whether setting a variable may make some program run other code. */
export function isPowerful(variable: string): boolean {
  return powerfulVariables.test(variable);
}
