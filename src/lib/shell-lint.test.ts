import { describe, expect, it } from 'vitest';
import { lintCommand, renderCommand } from './shell.ts';

const data = { x: 'v', y: 'c', l: ['a', 'b'], a: true };

/** Every value here stands where quoting makes it safe. */
const safe: readonly string[] = [
  `kubectl -n {{ .x }} logs {{ .x }} --tail={{ .x }}`,
  `kubectl get pod "{{ .x }}" -o jsonpath='{.status}' | grep {{ .x }}`,
  `echo 'a {{ .x }} b'`,
  `X={{ .x }}; echo "$X"`,
  `for p in {{ .x }} b; do echo "$p"; done`,
  `case {{ .x }} in a|{{ .x }}) echo hi;; *) echo no;; esac; echo {{ .x }}`,
  `f() { echo "$1"; }\nf {{ .x }}`,
  `if [ {{ .x }} = b ]; then echo {{ .x }}; else echo no; fi`,
  `echo "$(kubectl get {{ .x }} | wc -l)"`,
  `timeout 5 kubectl get {{ .x }}`,
  `timeout {{ .x }} kubectl get pods`,
  `sudo -u {{ .x }} ls -- {{ .x }}`,
  `env A={{ .x }} printenv A`,
  `find {{ .x }} -name {{ .x }}`,
  `find . -exec grep {{ .x }} {} \\;`,
  `sed -n 's/a/b/p' {{ .x }}`,
  `jq --arg a {{ .x }} '.a' {{ .x }}`,
  `awk -v a={{ .x }} '{print a}' file`,
  `python3 /opt/x.py {{ .x }}`,
  `python -m mod {{ .x }}`,
  `bash /opt/x.sh {{ .x }}`,
  `kubectl exec {{ .x }} -- cat {{ .x }}`,
  `psql -h {{ .x }} -c 'select 1'`,
  `psql -v a={{ .x }} -c 'select 1'`,
  `export A={{ .x }}`,
  `cat <<EOF\nit's\nEOF\necho {{ .x }}`,
  `cat <<-'EOF'\n\tit's\n\tEOF\necho {{ .x }}`,
  'echo `date` {{ .x }}',
  `echo $((1+2)) \${A:-b} {{ .x }} # it's`,
  `echo {{ .x }} 2>&1 >/dev/null`,
  `(cd /tmp && ls {{ .x }})`,
  `{ echo {{ .x }}; } | cat`,
  `while read x; do echo "$x"; done < file; echo {{ .x }}`,
  `docker exec {{ .x }} ls {{ .x }}`,
  `echo hi | sh; echo {{ .x }}`,
  `sed -e 's/a/b/' -e 's/c/d/' {{ .x }}`,
  `echo \\\n {{ .x }}`,
  `! grep {{ .x }} f`,
  `git log --author={{ .x }}`,
  `{{ if .x }}echo {{ .x }}{{ end }}`,
  `kubectl logs {{ .x }}{{ with .y }} -c {{ . }}{{ end }}`,
  `{{ range .l }}echo {{ . }}\n{{ end }}`,
  `case a in (a) echo {{ .x }};; esac`,
  `x=$(case a in a) echo b;; esac); echo {{ .x }}`,
  `kubectl describe node {{ .x }}`,
  `echo "\\$ {{ .x }}"`,
  `kubectl get pods -l "app={{ .x }}" -o custom-columns='N:.metadata.name'`,
  `curl -sf "http://h/{{ .x }}?a=b&c=d"`,
  `[ -n "{{ .x }}" ] && echo {{ .x }}`,
  `test {{ .x }} != a || exit 1`,
  `echo {{ .x }} | while read l; do echo "got $l"; done`,
  `for x\nin a {{ .x }}\ndo echo "$x"; done`,
  `local X={{ .x }}`,
  `curl -s https://x | bash -s -- {{ .x }}`,
  `mysql -uservice -h {{ .x }} -e 'select 1'`,
];

/** Some value here stands where nothing makes it safe. */
const unsafe: readonly string[] = [
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
  `echo -{{ .x }}`,
  `echo --{{ .x }}`,
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
  it.each(safe.map((template) => [template]))('accepts %j', (template) => {
    expect(lintCommand(template)).toEqual([]);
    expect(renderCommand(template, data).script).not.toContain('{{');
  });

  it.each(unsafe.map((template) => [template]))('refuses %j', (template) => {
    expect(lintCommand(template)).not.toEqual([]);
  });

  it('says where and why', () => {
    expect(lintCommand('echo ok\nsh -c "ls {{ .x }}"')).toEqual([
      { line: 2, column: 11, message: '{{ .x }}: sh would run the value as code' },
    ]);
    expect(lintCommand('kubectl get pods > {{ .file }}')).toEqual([
      {
        line: 1,
        column: 20,
        message: '{{ .file }}: the value may not name the file of a redirection or end a here-document',
      },
    ]);
  });

  it('leaves commands without values alone, whatever they are', () => {
    expect(lintCommand('sh -c "echo $(( 1 ))" | bash; $\'x\' [[ a ]] `b` <(c) )')).toEqual([]);
    expect(renderCommand("$'x' 'unclosed", {}).script).toBe("$'x' 'unclosed");
    expect(lintCommand('{{ if .x }}sh -c ls{{ end }}{{ $y := .x }}')).toEqual([]);
  });

  it('looks at every branch', () => {
    const template = '{{ if .a }}echo {{ else if .b }}eval {{ else }}ls {{ end }}{{ .x }}';
    expect(lintCommand(template)).toEqual([
      { line: 1, column: 60, message: '{{ .x }}: eval would run the value as code' },
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
