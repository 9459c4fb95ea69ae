import { CONFIG, formsOf, type Grammar } from "./grammar.ts";

/** A script for bash 4 or later. Bash shows no meanings. */
export function bashScript(grammar: Grammar): string {
  const files = formsOf(grammar, "file");
  const agents = formsOf(grammar, "agent");
  const values = formsOf(grammar, "value");
  const places = grammar.places.map(
    ({ after, words, takesAgent }) =>
      `    '${after}') words='${words.map(({ word }) => word).join(" ")}'${takesAgent ? " agents=yes" : ""} ;;`,
  );
  const reaches = grammar.reaches.map(({ name, options, takesFile }) => {
    const typed = options.map(({ word }) => word).join(" ");
    return `    '${name}' | '${name} '*) options='${typed}'${takesFile ? " files=yes" : ""} ;;`;
  });
  return `# bash completion of matrix-agents, made by: matrix-agents completion bash
_matrix_agents() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  local words='' options='' files='' agents='' command='' config='' skip='' i
  COMPREPLY=()
  # Bash takes "--config=FILE" for three words.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == = ]]; then skip=\${skip:-yes}
    elif [[ $skip ]]; then if [[ $skip == config ]]; then config=\${COMP_WORDS[i]}; fi; skip=''
    else
      case \${COMP_WORDS[i]} in
        ${CONFIG.join(" | ")}) skip=config ;;
        ${[...files, ...agents, ...values].filter((form) => !CONFIG.includes(form)).join(" | ")}) skip=yes ;;
        -*) ;;
        *) command+=\${command:+ }\${COMP_WORDS[i]} ;;
      esac
    fi
  done
  case $prev in
    ${files.join(" | ")}) _matrix_agents_files "$cur"; return ;;
    ${agents.join(" | ")}) command='' agents=yes ;;
    ${values.join(" | ")}) return ;;
  esac
  if [[ ! $agents ]]; then
  case $command in
${places.join("\n")}
  esac
  fi
  case $command in
${reaches.join("\n")}
  esac
  if [[ $cur == -* ]]; then words=$options
  elif [[ $agents ]]; then words+=" $(_matrix_agents_agents "\${COMP_WORDS[0]}" "$config")"; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  if [[ $files && \${#COMPREPLY[@]} -eq 0 ]]; then _matrix_agents_files "$cur"; fi
}
_matrix_agents_agents() {
  "$1" completion agents \${2:+-c "\${2/#\\~/$HOME}"} 2>/dev/null
}
_matrix_agents_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}
complete -F _matrix_agents matrix-agents
`;
}
