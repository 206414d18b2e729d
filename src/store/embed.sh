#!/bin/sh
# Prints a text file as a C array with a NUL at its end: embed.sh FILE NAME
set -eu
printf 'extern const char %s[];\nconst char %s[] = {\n' "$2" "$2"
od -An -v -tu1 "$1" | sed -e 's/  *\([0-9][0-9]*\)/\1,/g'
printf '0};\n'
