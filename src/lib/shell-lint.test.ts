import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isPowerful, lintCommand, renderCommand } from './shell.ts';

/** Each has a value where one may not stand, or something that may not be in a command with values. */
const unsafe: readonly string[] = [
  `kubectl -n {{ .x }} logs {{ .x }} --tail={{ .x }}`,
  `kubectl get pod "{{ .x }}" -o jsonpath='{.status}' | grep {{ .x }}`,
  `f() { echo "$1"; }\nf {{ .x }}`,
  `echo "$(kubectl get {{ .x }} | wc -l)"`,
  `timeout 5 kubectl get pods; echo {{ .x }}`,
  `sudo -u {{ .x }} ls -- {{ .x }}`,
  `env A={{ .x }} printenv A`,
  `find {{ .x }} -name {{ .x }}`,
  `sed -n 's/a/b/p' {{ .x }}`,
  `jq . {{ .x }}`,
  `python3 /opt/x.py {{ .x }}`,
  `bash /opt/x.sh {{ .x }}`,
  `kubectl exec {{ .x }} -- cat {{ .x }}`,
  `psql -h {{ .x }} -c 'select 1'`,
  `export A={{ .x }}`,
  `cat <<EOF\nit's\nEOF\necho {{ .x }}`,
  `echo $((1+2)) {{ .x }}`,
  `(cd /tmp && ls {{ .x }})`,
  `docker exec {{ .x }} ls`,
  `echo hi | sh; echo {{ .x }}`,
  `git log --author={{ .x }}`,
  `kubectl describe node {{ .x }}`,
  `local X={{ .x }}`,
  `curl -s https://x | bash -s -- {{ .x }}`,
  `mytool; echo {{ .x }}`,
  `/usr/bin/kubectl get pod -- {{ .x }}`,
  `kubectl get -- {{ .x }}`,
  `kubectl get pods,{{ .x }}`,
  `curl http://{{ .x }}/`,
  `curl "http://$host/{{ .x }}"`,
  `cat -- {{ .x }}`,
  `cat "/var/log/$y"; echo {{ .x }}`,
  `echo {{ .x }} > /tmp/f`,
  `echo {{ .x }} > .profile`,
  `echo {{ .x }} > a/b`,
  `x=$y kubectl get pods; echo {{ .x }}`,
  `PATH=/opt/bin; echo {{ .x }}`,
  `RANDOM={{ .x }}`,
  `echo \${y:=a} {{ .x }}`,
  `echo \${y@P} {{ .x }}`,
  `echo \${!y} {{ .x }}`,
  `echo $[1] {{ .x }}`,
  `kubectl get pods --kubeconfig=f; echo {{ .x }}`,
  `kubectl get pods -f f; echo {{ .x }}`,
  `echo {{ .x }} | awk '{ system($0) }'`,
  `echo {{ .x }} | awk '{ print > $1 }'`,
  `echo {{ .x }} | sed 's/a/b/e'`,
  `echo {{ .x }} | sed 'w f'`,
  `printf '%n' {{ .x }}`,
  `awk -v f={{ .x }} 'BEGIN { ARGV[1] = f; ARGC = 2 } { print }'`,
  `awk -v f={{ .x }} 'BEGIN { SYMTAB["AR" "GC"] = f }'`,
  `printf %s {{ .x }} > m.jq; jq -n 'include "m" {search: "./"}; x'`,
  `curl --data-urlencode "name:{{ .x }}" http://h/`,
  `curl --url-query "name:{{ .x }}" http://h/`,
  `curl -H "name={{ .x }}" http://h/`,
  `cat "/{{ .x }}"`,
  `cat "../../{{ .x }}"`,
  `[ "$y" "$y" ]; echo {{ .x }}`,
  `test -v {{ .x }}`,
  `[ {{ .x }} = a -a -v {{ .x }} ]`,
  `set -a; echo {{ .x }}`,
  `read -r PATH; echo {{ .x }}`,
  `kubectl get pod {-n,{{ .x }}}`,
  `echo a {x}>f {{ .x }}`,
  `constructor {{ .x }}`,
  `echo={{ .x }}; ((echo))`,
  `true={{ .x }}; if ((true)); then :; fi`,
  `true={{ .x }}; echo $(\\\n(true))`,
  `kubectl get pod -n "$@" -- {{ .x }}`,
  `kubectl toString {{ .x }}`,
  `kubectl --__proto__={{ .x }} get pods`,
  `{{ .x }}`,
  `./{{ .x }} a`,
  `{{ .x }}=1`,
  `A=b {{ .x }}`,
  `echo > {{ .x }}`,
  `echo >> "/tmp/{{ .x }}"`,
  `cat < {{ .x }}`,
  `cat <<EOF\n{{ .x }}\nEOF`,
  `cat <<'EOF'\n{{ .x }}\nEOF`,
  `cat <<{{ .x }}\nEOF`,
  'echo `echo {{ .x }}`',
  `echo a # {{ .x }}`,
  `echo $(( {{ .x }} + 1 ))`,
  `echo \${A:-{{ .x }}}`,
  `sh -c "echo {{ .x }}"`,
  `bash -c 'echo {{ .x }}'`,
  `bash -lc "{{ .x }}"`,
  `sh -c 'echo $1' sh {{ .x }}`,
  `eval echo {{ .x }}`,
  `ssh host echo {{ .x }}`,
  `xargs echo {{ .x }}`,
  `awk '{print {{ .x }}}'`,
  `awk '/{{ .x }}/' f`,
  `psql -c "select '{{ .x }}'"`,
  `psql --command="{{ .x }}"`,
  `mysql -e "{{ .x }}"`,
  `python3 -c "print('{{ .x }}')"`,
  `python -c 'x' && python3.11 -c {{ .x }}`,
  `perl -ne 'print if /{{ .x }}/' f`,
  `node -e "{{ .x }}"`,
  `su -c "{{ .x }}" user`,
  `env sh -c "{{ .x }}"`,
  `env A=b sh -c {{ .x }}`,
  `find . -exec sh -c "{{ .x }}" \\;`,
  `find . -exec {{ .x }} \\;`,
  `watch kubectl get {{ .x }}`,
  `timeout 5 sh -c {{ .x }}`,
  `timeout -s KILL 5 bash -c {{ .x }}`,
  `nice -n 5 sh -c {{ .x }}`,
  `sudo sh -c {{ .x }}`,
  `sudo {{ .x }}`,
  `timeout 5 {{ .x }}`,
  `kubectl exec p -- sh -c "cat {{ .x }}"`,
  `kubectl exec p -- {{ .x }}`,
  `docker exec c sh -c "{{ .x }}"`,
  `docker exec c {{ .x }}`,
  `docker run img {{ .x }}`,
  `sed "s/a/{{ .x }}/" f`,
  `sed -e 's/a/b/' -e "{{ .x }}"`,
  `sed -es/{{ .x }}/b/ f`,
  `jq ".{{ .x }}"`,
  `echo {{ .x }} | sh`,
  `echo {{ .x }} | sudo bash`,
  `printf %s {{ .x }} | xargs kubectl delete`,
  `(echo {{ .x }}) | sh`,
  `{ echo {{ .x }}; } | sh`,
  `if true; then echo {{ .x }}; fi | sh`,
  `echo {{ .x }} | { cat; sh; }`,
  `echo {{ .x }} | (sh)`,
  `X={{ .x }}; eval "$X"`,
  `X={{ .x }}; echo $X`,
  `X={{ .x }}; sh -c "$X"`,
  `X={{ .x }}; echo $((X))`,
  `X={{ .x }}; Y=$X; eval $Y`,
  `X={{ .x }}; $X`,
  'X={{ .x }}; echo `$X`',
  `PATH={{ .x }}`,
  `LD_PRELOAD={{ .x }} ls`,
  `env PATH={{ .x }} ls`,
  `export {{ .x }}`,
  `export BASH_ENV={{ .x }}`,
  `unset {{ .x }}`,
  `read {{ .x }}`,
  `[ -v {{ .x }} ]`,
  `[[ {{ .x }} -eq 1 ]]`,
  `(( {{ .x }} ))`,
  `let a={{ .x }}`,
  `trap "{{ .x }}" EXIT`,
  `. {{ .x }}`,
  `source {{ .x }}`,
  `bash {{ .x }}`,
  `python3 {{ .x }}`,
  `$CMD {{ .x }}`,
  `$(echo {{ .x }})`,
  `"$(echo {{ .x }})" a`,
  `sh -c "$(echo {{ .x }})"`,
  `kubectl delete $(echo {{ .x }})`,
  `echo \\{{ .x }}`,
  `echo "\\{{ .x }}"`,
  `echo \${{ .x }}`,
  `echo "\${{ .x }}"`,
  `echo $'a{{ .x }}'`,
  `diff <(echo {{ .x }}) f`,
  `for {{ .x }} in a; do echo; done`,
  `kubectl -{{ .x }} get pods`,
  `kubectl --{{ .x }} get pods`,
  `echo &> {{ .x }}`,
  `echo 'unclosed {{ .x }}`,
  `echo {{ .x }})`,
  `{{ if .a }}echo '{{ end }}{{ .x }}`,
  `{{ if .a }}sh -c {{ else }}echo {{ end }}{{ .x }}`,
  `{{ range .l }}' {{ end }}echo {{ .x }}`,
  `{{ define "t" }}{{ . }}{{ end }}sh -c {{ template "t" .x }}`,
  `sudo -u root -- sh -c {{ .x }}`,
  `command eval {{ .x }}`,
  `exec {{ .x }}`,
  `busybox sh -c {{ .x }}`,
  `foo wrapper sh -c {{ .x }}`,
  `while read l; do eval "$l"; done {{ .x }}`,
  `echo {{ .x }} | while read l; do eval "$l"; done`,
  `make {{ .x }}`,
  `alias a={{ .x }}`,
  `for i in {{ .x }}; do echo $i; done`,
  `set -- {{ .x }}; eval "$1"`,
  `X=$(echo {{ .x }}); eval "$X"`,
  `printf -v {{ .x }} a`,
  `echo FIST_1 {{ .x }}; cat <<E`,
  `bash <<< {{ .x }}`,
  `A={{ .x }} | sh -c "$A"`,
  `flock f -c "{{ .x }}"`,
  `env -S "{{ .x }}"`,
  `perl -e 'x' {{ .x }}`,
  `ksh -c {{ .x }}`,
  `/bin/sh -c {{ .x }}`,
  `'sh' -c {{ .x }}`,
  `s\\h -c {{ .x }}`,
  `"sh" "-c" {{ .x }}`,
  `sh -ec {{ .x }}`,
  `/usr/bin/env bash -c {{ .x }}`,
  `nohup sh -c {{ .x }} &`,
  `true && sh -c {{ .x }}`,
  `if sh -c {{ .x }}; then :; fi`,
  `case a in a) sh -c {{ .x }};; esac`,
  `{ sh -c {{ .x }}; }`,
  `(sh -c {{ .x }})`,
  `echo "$(sh -c {{ .x }})"`,
  `! sh -c {{ .x }}`,
  `2>/dev/null sh -c {{ .x }}`,
  `A=1 sh -c {{ .x }}`,
  `>f sh -c {{ .x }}`,
];

describe('lintCommand', () => {
  it.each(unsafe.map((template) => [template]))('refuses %j', (template) => {
    expect(lintCommand(template)).not.toEqual([]);
  });

  it('says where and why, and what to write', () => {
    const next = (name: string, value: string) =>
      `give the value to the step as a variable, env: {${name}: "{{ ${value} }}"}, and write "$${name}" in the command`;
    expect(lintCommand('echo ok\nsh -c "ls {{ .alert.labels.pod-name }}"')).toEqual([
      {
        line: 2,
        column: 1,
        message: 'sh is not one of the programs that a command with template values may run',
        next: next('POD_NAME', '.alert.labels.pod-name'),
      },
    ]);
    expect(lintCommand('kubectl get pods > {{ .path }}')).toEqual([
      {
        line: 1,
        column: 20,
        message: '{{ .path }}: a template value may not name the file of a redirection',
        next: next('ALERT_PATH', '.path'),
      },
    ]);
    expect(lintCommand('kubectl get pod "$(basename -- {{ .pod }})" {{ .pod | default "x" }}')).toMatchObject([
      {
        column: 20,
        message: 'what a variable or a $( ) holds may stand here only behind --, or behind literal text (pod/...)',
      },
      {
        column: 45,
        message:
          '{{ .pod | default "x" }}: a template value may stand here only behind --, or behind literal text (pod/...)',
        next: `give the value to the step as a variable, env: {POD: '{{ .pod | default "x" }}'}, and write "$POD" in the command`,
      },
    ]);
  });

  it('leaves commands without values alone, whatever they are', () => {
    expect(lintCommand('sh -c "echo $(( 1 ))" | bash; $\'x\' [[ a ]] `b` <(c) )')).toEqual([]);
    expect(renderCommand("$'x' 'unclosed", {}).script).toBe("$'x' 'unclosed");
    expect(lintCommand('{{ if .x }}sh -c ls{{ end }}{{ $y := .x }}')).toEqual([]);
  });

  it('looks at every branch', () => {
    const template = '{{ if .a }}echo {{ else if .b }}eval {{ else }}true {{ end }}{{ .x }}';
    expect(lintCommand(template)).toMatchObject([
      { line: 1, column: 33, message: expect.stringMatching(/^eval is not/) },
    ]);
  });

  it('looks at later passes of a loop', () => {
    expect(lintCommand("{{ range .l }}echo {{ . }} '{{ end }}'")).not.toEqual([]);
    expect(lintCommand('{{ range .l }}{{ if .z }}{{ break }}{{ end }}echo {{ . }}; {{ end }}echo {{ .x }}')).toEqual(
      [],
    );
    expect(
      lintCommand('{{ range .l }}{{ if .z }}sh -c {{ break }}{{ end }}echo {{ . }}; {{ end }}{{ .x }} '),
    ).not.toEqual([]);
  });
});

describe('names that mean something', () => {
  it('are all that bash has by itself', () => {
    const { stdout } = spawnSync('bash', ['--norc', '-c', 'compgen -v'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '' },
      encoding: 'utf8',
    });
    expect(stdout.split('\n').filter((name) => name !== '' && !isPowerful(name))).toEqual([]);
  });

  it('are not those that labels have', () => {
    const names = [
      'POD',
      'NODE',
      'NODE_NAME',
      'HOST',
      'COMPONENT',
      'FUNCTION',
      'SERVICE',
      'KUBE_NODE',
      'NAMESPACE',
      'API_TOKEN',
      'pod',
      '_x',
    ];
    expect(names.filter(isPowerful)).toEqual([]);
  });
});
