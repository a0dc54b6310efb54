/** What each shell evaluates. All ask `fist __complete`, which prints `VALUE<tab>MEANING` lines for the last word. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# eval "$(fist completion bash)"
_fist() {
  local line="\${COMP_LINE:0:COMP_POINT}" current prefix='' value
  local -a words
  read -ra words <<< "$line"
  if [[ "$line" == *[[:space:]] ]]; then words+=(''); fi
  current="\${words[\${#words[@]}-1]}"
  # Bash completes only what stands behind the last of these.
  if [[ "$current" == *=* && "$COMP_WORDBREAKS" == *=* ]]; then prefix="\${current%=*}="; fi
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    COMPREPLY+=("\${value#"$prefix"}")
  done < <("$1" __complete "\${words[@]:1}" 2> /dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *[/=.] ]]; then compopt -o nospace 2> /dev/null; fi
}
complete -o default -F _fist fist fist.js
`,
  zsh: `#compdef fist fist.js
# fist completion zsh > "\${fpath[1]}/_fist"
_fist() {
  local line value
  local -a values parts
  for line in "\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    value="\${line%%$'\\t'*}"
    [[ -z "$value" ]] && continue
    if [[ "$value" == */ || "$value" == *= || "$value" == *. ]]; then parts+=("$value")
    else values+=("\${value//:/\\\\:}:\${line#*$'\\t'}"); fi
  done
  if (( \${#values} + \${#parts} == 0 )); then _files; return; fi
  (( \${#values} )) && _describe -t values fist values
  (( \${#parts} )) && compadd -S '' -- "\${parts[@]}"
}
if [[ "\${funcstack[1]}" == _fist ]]; then _fist "$@"; else compdef _fist fist fist.js; fi
`,
  fish: `# fist completion fish > ~/.config/fish/completions/fist.fish
function __fist_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2> /dev/null
end
complete -c fist -a '(__fist_complete)'
complete -c fist.js -a '(__fist_complete)'
`,
  powershell: `# fist completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName fist, fist.js -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    # Older versions do not hand over an empty word.
    if ($wordToComplete -eq '') { $words += '__new' }
    & $commandAst.CommandElements[0].ToString() __complete @words 2> $null | ForEach-Object {
        $value, $meaning = $_ -split "\`t", 2
        if (-not $meaning) { $meaning = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
    }
}
`,
};
