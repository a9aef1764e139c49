#!/bin/bash
# A program in the extractor's place. What it does is said by the document's media type.
while [ $# -gt 1 ] && [ "$1" != --mime-type ]; do shift; done
case "$2" in
hello) echo hello ;;
status) exit 7 ;;
killed) kill -9 $$ ;;
fault) kill -SEGV $$ ;;
processor) kill -XCPU $$ ;;
memory) echo "Could not allocate memory" >&2 && kill -ILL $$ ;;
closed) exec 1>&- && exit 3 ;;
long-line) exec head -c 2000000 /dev/zero ;;
end-first) echo '{"frame":"end","warnings":[]}' ;;
wrong-type) echo '{"frame":"piece","text":7}' ;;
wrong-code) echo '{"frame":"error","code":"internal","message":"m"}' ;;
cut) echo '{"frame":"start","type":"text"}' && exit 1 ;;
endless)
    echo '{"frame":"start","type":"text"}'
    while :; do echo '{"frame":"piece","kind":"text","text":"aaaaaaaaaa"}'; done
    ;;
silent) exec 1>&- 2>&- && sleep 600 ;;
two) sleep 600 & exec sleep 600 ;;
esac
