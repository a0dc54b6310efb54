import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProbeFolder, probeShells } from '../../test/support/probe-runner.ts';
import type { ProbeFolder } from '../../test/support/probe-runner.ts';
import type { ShellRun } from '../../test/support/shell-runs.ts';
import { lintCommand, renderCommand } from './shell.ts';

const data = {
  pod: 'web-1',
  ns: 'shop',
  text: 'a b "c" $(d)',
  none: '',
  list: ['a', 'b c'],
  lines: 'b\na\nb',
};

/** Ordinary commands, and what they print. Programs that need a cluster or a network print their name and words. */
const citizens: readonly (readonly [string, string])[] = [
  ['echo {{ .pod }}', 'web-1\n'],
  ['echo "pod: {{ .pod }}"', 'pod: web-1\n'],
  ["echo 'pod: {{ .pod }}'", 'pod: web-1\n'],
  ['echo {{ .text }}', 'a b "c" $(d)\n'],
  ["printf '%s\\n' {{ .text }} {{ .none }}", 'a b "c" $(d)\n\n'],
  ["printf '%-8s|%s\\n' {{ .pod }} {{ .ns }}", 'web-1   |shop\n'],
  ['kubectl get pod -- {{ .pod }}', 'kubectl get pod -- web-1\n'],
  ['kubectl get pod -n {{ .ns }} -o wide -- {{ .pod }}', 'kubectl get pod -n shop -o wide -- web-1\n'],
  ['kubectl get pod/{{ .pod }} --namespace={{ .ns }} -o yaml', 'kubectl get pod/web-1 --namespace=shop -o yaml\n'],
  ['kubectl get pods -A -l "app={{ .pod }}" --no-headers', 'kubectl get pods -A -l app=web-1 --no-headers\n'],
  [
    "kubectl get pod -o jsonpath='{.status.phase}' -- {{ .pod }}",
    'kubectl get pod -o jsonpath={.status.phase} -- web-1\n',
  ],
  [
    'kubectl get pods -o jsonpath={.items[*].metadata.name} -n {{ .ns }}',
    'kubectl get pods -o jsonpath={.items[*].metadata.name} -n shop\n',
  ],
  ['kubectl -n {{ .ns }} describe pod -- {{ .pod }}', 'kubectl -n shop describe pod -- web-1\n'],
  [
    'kubectl -n {{ .ns }} logs --tail=100 --previous -- {{ .pod }}',
    'kubectl -n shop logs --tail=100 --previous -- web-1\n',
  ],
  [
    'kubectl logs -n {{ .ns }} -c app --since=10m deployment/{{ .pod }}',
    'kubectl logs -n shop -c app --since=10m deployment/web-1\n',
  ],
  ['kubectl top pod -n {{ .ns }} --containers', 'kubectl top pod -n shop --containers\n'],
  ['kubectl top node -- {{ .pod }}', 'kubectl top node -- web-1\n'],
  ['kubectl events -n {{ .ns }} --types=Warning', 'kubectl events -n shop --types=Warning\n'],
  [
    'kubectl get events -n {{ .ns }} --field-selector involvedObject.name={{ .pod }} --sort-by=.lastTimestamp',
    'kubectl get events -n shop --field-selector involvedObject.name=web-1 --sort-by=.lastTimestamp\n',
  ],
  [
    'kubectl rollout status deployment --timeout=60s -- {{ .pod }}',
    'kubectl rollout status deployment --timeout=60s -- web-1\n',
  ],
  ['kubectl rollout restart -n {{ .ns }} deployment/{{ .pod }}', 'kubectl rollout restart -n shop deployment/web-1\n'],
  [
    'kubectl scale -n {{ .ns }} --replicas=3 deployment -- {{ .pod }}',
    'kubectl scale -n shop --replicas=3 deployment -- web-1\n',
  ],
  ['kubectl delete pod -n {{ .ns }} --wait=false -- {{ .pod }}', 'kubectl delete pod -n shop --wait=false -- web-1\n'],
  ['kubectl cordon -- {{ .pod }}', 'kubectl cordon -- web-1\n'],
  ['helm status -n {{ .ns }} -- {{ .pod }}', 'helm status -n shop -- web-1\n'],
  ['helm history -n {{ .ns }} --max 5 -o json -- {{ .pod }}', 'helm history -n shop --max 5 -o json -- web-1\n'],
  [
    'curl -sf "http://127.0.0.1:9/api/pods/{{ .pod }}?limit=5&full"',
    'curl -sf http://127.0.0.1:9/api/pods/web-1?limit=5&full\n',
  ],
  [
    'curl -sfG --data-urlencode "query=up{pod=\'{{ .pod }}\'}" http://127.0.0.1:9/api/v1/query',
    "curl -sfG --data-urlencode query=up{pod='web-1'} http://127.0.0.1:9/api/v1/query\n",
  ],
  [
    'curl -sS -X POST -H "X-Pod: {{ .pod }}" --data-raw {{ .text }} http://127.0.0.1:9/hook',
    'curl -sS -X POST -H X-Pod: web-1 --data-raw a b "c" $(d) http://127.0.0.1:9/hook\n',
  ],
  ["jq -n --arg pod {{ .pod }} '{pod: $pod}' | jq -r .pod", 'web-1\n'],
  [
    "printf %s {{ .text }} | jq -Rsc '{text: .}' | curl -s -d @- http://127.0.0.1:9/",
    'curl -s -d @- http://127.0.0.1:9/\n',
  ],
  ['echo {{ .text }} | grep -c a', '1\n'],
  ['echo line web-1 | grep -F -- {{ .pod }}', 'line web-1\n'],
  ['echo line web-1 | grep -o -e {{ .pod }}', 'web-1\n'],
  ['if echo {{ .text }} | grep -q zzz; then echo yes; else echo no; fi', 'no\n'],
  ['printf %s {{ .lines }} | sort -u', 'a\nb\n'],
  ["printf %s {{ .lines }} | sort | uniq -c | sort -rn | head -n 1 | awk '{ print $2 }'", 'b\n'],
  ["printf '%s\\n' {{ .lines }} | head -2 | tail -n 1", 'a\n'],
  ["echo {{ .text }} | awk '{ print $1, NF }'", 'a 4\n'],
  ["echo 91 {{ .pod }} | awk -v limit=90 '$1 > limit { print $2 }'", 'web-1\n'],
  ["awk -v pod={{ .pod }} 'BEGIN { print pod }'", 'web-1\n'],
  ["echo {{ .pod }} | sed 's/web/www/; s/-1$//'", 'www\n'],
  ["printf '%s\\n' {{ .lines }} | sed -n -e '1p' -e '/^a/p'", 'b\na\n'],
  ["printf '%s\\n' {{ .lines }} | sed '/^b$/d'", 'a\n'],
  ['echo {{ .pod }} | tr a-z A-Z | cut -d- -f1', 'WEB\n'],
  ['echo {{ .pod }} | base64', 'd2ViLTEK\n'],
  ['[ -n "{{ .none }}" ] || echo empty', 'empty\n'],
  ['test {{ .pod }} = web-1 && echo same', 'same\n'],
  ['if [ {{ .ns }} = shop ] && [ ! {{ .pod }} = x ]; then echo both; fi', 'both\n'],
  ['case {{ .ns }} in kube-*) echo system ;; shop|store) echo ours ;; *) echo other ;; esac', 'ours\n'],
  ['pod={{ .pod }}; echo "$pod" "${pod%-*}" "${#pod}" "${other:-none}"', 'web-1 web 5 none\n'],
  ['POD={{ .pod }} NS="{{ .ns }}"\nkubectl get pod -n "$NS" -- "$POD"', 'kubectl get pod -n shop -- web-1\n'],
  ['phase=$(printf "%s" {{ .ns }}); [ "$phase" = shop ] && echo "phase: $phase"', 'phase: shop\n'],
  ['count=$(printf "%s\\n" {{ .lines }} | wc -l); [ "$count" -ge 3 ] && echo many', 'many\n'],
  ['for pod in {{ range .list }}{{ . }} {{ end }}; do echo "- $pod"; done', '- a\n- b c\n'],
  ['{{ range .list }}echo {{ . }}\n{{ end }}', 'a\nb c\n'],
  ['{{ if .pod }}kubectl logs -- {{ .pod }}{{ else }}kubectl get pods{{ end }}', 'kubectl logs -- web-1\n'],
  ['kubectl get pods{{ with .ns }} -n {{ . }}{{ end }}', 'kubectl get pods -n shop\n'],
  ['printf \'%s\\n\' {{ .lines }} | while IFS= read -r line; do echo "> $line"; done', '> b\n> a\n> b\n'],
  ['i=""; while [ "$i" != xxx ]; do i="${i}x"; done; echo "$i" {{ .pod }}', 'xxx web-1\n'],
  ['until [ -n {{ .pod }} ]; do sleep 1; done; echo {{ .pod }}', 'web-1\n'],
  ['set -eu; echo {{ .pod }}', 'web-1\n'],
  ['echo {{ .pod }} > report.txt; echo more >> report.txt; cat report.txt', 'web-1\nmore\n'],
  ['echo {{ .pod }} | tee copy.txt >/dev/null; wc -l < copy.txt', '1\n'],
  ['echo {{ .pod }} >/dev/null 2>&1; echo "exit $?" >&2', 'exit 0\n'],
  ['(echo {{ .pod }}; echo b) | { cat; echo c; }', 'web-1\nb\nc\n'],
  ['echo \\\n  {{ .pod }} \\\n  # a comment\n', 'web-1 # a comment\n'.replace(' # a comment', '')],
  ['# look at the pod\nkubectl get pod -- {{ .pod }} # again', 'kubectl get pod -- web-1\n'],
  ['basename -- "a/{{ .pod }}.log" .log', 'web-1\n'],
  ['dirname -- "a/{{ .pod }}"', 'a\n'],
  ['date -u +%Y | grep -c 20; echo {{ .pod }}', '1\nweb-1\n'],
  ['cat "/nonexistent/{{ .pod }}" 2>/dev/null || echo none', 'none\n'],
  ['LC_ALL=C sort -r x.sh >/dev/null; echo {{ .pod }}', 'web-1\n'],
  ['! false && echo {{ .pod }}', 'web-1\n'],
  ['sleep 1 & wait; echo {{ .pod }}', 'sleep 1\nweb-1\n'],
  ['systemctl is-active --quiet -- {{ .pod }}', 'systemctl is-active --quiet -- web-1\n'],
  ['journalctl -u {{ .pod }} --since=-10min --no-pager -n 50', 'journalctl -u web-1 --since=-10min --no-pager -n 50\n'],
  ['ping -c 1 -W 2 -- {{ .pod }}', 'ping -c 1 -W 2 -- web-1\n'],
];

let folder: ProbeFolder;
/** What all of them did in each shell, in their order. */
let runs: readonly (readonly ShellRun[])[];
beforeAll(() => {
  folder = createProbeFolder();
  const commands = citizens.map(([template]) => renderCommand(template, data));
  runs = probeShells.map((shell) => folder.runAll(shell, commands));
});
afterAll(() => folder.remove());

it('are many', () => {
  expect(citizens.length).toBeGreaterThanOrEqual(60);
});

describe.each(citizens.map(([template, expected], place) => [template, expected, place] as const))(
  '%j',
  (template, expected, place) => {
    it('passes lint and does its work', () => {
      expect(lintCommand(template)).toEqual([]);
      for (const run of runs) expect(`${run[place]?.output}${run[place]?.errors}`).toBe(expected);
    });
  },
);
