# Fails if: an artifact has other bits when it is built with another time, language, user and number of jobs.
{ runCommand, variation }:
name: artifact:
runCommand "reproducible-${name}"
  {
    first = artifact;
    second = variation.artifacts.${name};
  }
  ''
    if [ "$first" = "$second" ]; then
      echo "both are the same build: nothing is compared" >&2
      exit 1
    fi
    for file in "$first"/*; do
      case "$file" in
        # The list names the inputs, which differ here on purpose.
        */artifacts.json) ;;
        *) cmp "$file" "$second/''${file##*/}" ;;
      esac
    done
    touch $out
  ''
