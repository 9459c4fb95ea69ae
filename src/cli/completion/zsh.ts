import { CONFIG, formsOf, type Grammar, type TypedOption, type Word } from "./grammar.ts";

/** A script for zsh: for `eval`, or as a file `_matrix-agents` in a folder of `fpath`. */
export function zshScript(grammar: Grammar): string {
  const files = formsOf(grammar, "file");
  const agents = formsOf(grammar, "agent");
  const values = formsOf(grammar, "value");
  const places = grammar.places.map(
    ({ after, words, takesAgent }) =>
      `    '${after}') words_=(${words.map(described).join(" ")})${takesAgent ? " agents_=yes" : ""} ;;`,
  );
  const reaches = grammar.reaches.map(({ name, options, takesFile }) => {
    const typed = options.flatMap(optionForms).map(described).join(" ");
    return `    '${name}' | '${name} '*) options_=(${typed})${takesFile ? " files_=yes" : ""} ;;`;
  });
  return `#compdef matrix-agents
# zsh completion of matrix-agents, made by: matrix-agents completion zsh
_matrix-agents() {
  local -a words_ options_
  local files_ agents_ command_ config_ skip_ word_
  for word_ in \${words[2,CURRENT-1]}; do
    if [[ -n $skip_ ]]; then
      if [[ $skip_ == config ]]; then config_=\${(Q)word_}; fi
      skip_=''
      continue
    fi
    case $word_ in
      ${CONFIG.join(" | ")}) skip_=config ;;
      --config=*) config_=\${(Q)word_#*=} ;;
      ${[...files, ...agents, ...values].filter((form) => !CONFIG.includes(form)).join(" | ")}) skip_=yes ;;
      -*) ;;
      *) command_+=\${command_:+ }$word_ ;;
    esac
  done
  case \${words[CURRENT-1]} in
    ${files.join(" | ")}) _files; return ;;
    ${agents.join(" | ")}) _matrix_agents_agents; return ;;
    ${values.join(" | ")}) _message 'a value'; return ;;
  esac
  if compset -P '--*='; then _files; return; fi
  case $command_ in
${places.join("\n")}
  esac
  case $command_ in
${reaches.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option options_
  else
    (( $#words_ )) && _describe command words_
    [[ -n $agents_ ]] && _matrix_agents_agents
    [[ -n $files_ ]] && _files
  fi
}
_matrix_agents_agents() {
  local -a names_
  names_=(\${(f)"$(\${(Q)words[1]} completion agents \${config_:+-c} \${config_:+\${~config_}} 2>/dev/null)"})
  (( $#names_ )) && compadd -a names_
}
if [[ $funcstack[1] == _matrix-agents ]]; then _matrix-agents "$@"; else compdef _matrix-agents matrix-agents; fi
`;
}

function optionForms({ word, short, meaning }: TypedOption): readonly Word[] {
  return short === undefined
    ? [{ word, meaning }]
    : [
        { word: short, meaning },
        { word, meaning },
      ];
}

/** A word with its meaning behind a colon, in quotes. */
function described({ word, meaning }: Word): string {
  return `'${`${word}:${meaning.replaceAll(/[\\:]/g, "\\$&")}`.replaceAll("'", String.raw`'\''`)}'`;
}
