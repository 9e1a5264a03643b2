/** The shells that words can be completed in. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
/** One of them. */
export type Shell = (typeof SHELLS)[number];

/** The first line that tells a script of ours from another file; in zsh the second. */
export const SCRIPT_MARK = "# Completes words of land; made by `land completions`";

/** Readline parts words at `@`, `=` and `:` too, and wants only what follows the last of them; an `@` it wants as well. */
const bash = `${SCRIPT_MARK}
_land() {
  local line="\${COMP_LINE:0:COMP_POINT}" out mode cur prefix candidate IFS=$' \\t\\n'
  local -a words
  COMPREPLY=()
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  cur="\${words[\${#words[@]}-1]}"
  out="$(command land __complete "\${words[@]:1}" 2>/dev/null)" || return 0
  mode="\${out%%$'\\n'*}"
  case "$mode" in
    files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$cur")); return 0 ;;
    folders) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$cur")); return 0 ;;
  esac
  [[ "$out" == *$'\\n'* ]] || return 0
  prefix="\${cur%"\${cur##*[$COMP_WORDBREAKS]}"}"
  prefix="\${prefix%@}"
  while IFS=$'\\t' read -r candidate _; do
    [[ "$candidate" == "$cur"* ]] && COMPREPLY+=("\${candidate#"$prefix"}")
  done <<< "\${out#*$'\\n'}"
  return 0
}
complete -o nosort -F _land land 2>/dev/null || complete -F _land land
`;

const zsh = `#compdef land
${SCRIPT_MARK}
_land() {
  local -a lines candidates
  local line name
  lines=("\${(@f)$(command land __complete "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  case "$lines[1]" in
    files) _files; return ;;
    folders) _files -/; return ;;
  esac
  for line in "\${(@)lines[2,-1]}"; do
    name="\${line%%$'\\t'*}"
    name="\${name//:/\\\\:}"
    [[ "$line" == *$'\\t'?* ]] && name+=":\${line#*$'\\t'}"
    candidates+=("$name")
  done
  (( $#candidates )) && _describe land candidates
}
if [[ "$funcstack[1]" = _land ]]; then
  _land "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _land land
fi
`;

const fish = `${SCRIPT_MARK}
function __land_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    test (count $current) -gt 0; or set current ''
    set -l lines (command land __complete $words "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
        case words
            set -e lines[1]
            test (count $lines) -gt 0; and printf '%s\\n' $lines
    end
end
complete -c land -e
complete -c land -f -a '(__land_complete)'
`;

/** What a shell has to read so that it completes words of land, by shell. */
export const SCRIPTS: Readonly<Record<Shell, string>> = { bash, zsh, fish };
