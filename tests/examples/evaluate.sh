#!/bin/sh
# curl: one request, many in one body, a compressed one, and what is wrong with a request.
set -eu
url=${EVALUATE_URL:-http://127.0.0.1:8080}

# --fail-with-body: status 4xx and 5xx are failures, and the sentence about them is shown.
evaluate() { curl -sS --fail-with-body "$url/v1/evaluate" "$@"; }

evaluate --json '{"logits": [[13,3,2,5,1], [1,8,20,2,3]], "targets": [0,2]}'

# NDJSON: a request on each line, a reply on each line; options in the query hold for all.
printf '%s\n' '{"logits": [[2,1]], "targets": [0]}' '{"logits": [[2,1]], "targets": [1]}' |
    evaluate --url-query dtype=float64 -H 'Content-Type: application/x-ndjson' --data-binary @- |
    sed 's/,.*/}/'

printf '{"logits": [[2,1]], "targets": [0], "return": ["softmax"]}' | gzip |
    evaluate -H 'Content-Type: application/json' -H 'Content-Encoding: gzip' --data-binary @-

evaluate -H 'X-Request-Id: example' --json '{"logits": [[2,1]], "targets": [2]}' || echo "status $?"
