#!/usr/bin/env bash
# Segment an image with curl: upload, job, results.
#   CYTOEDGE_URL=http://127.0.0.1:8000 CYTOEDGE_KEY=ce_… \
#     bash examples/segment.sh IMAGE [FOLDER] [PARAMETERS as JSON]
set -euo pipefail

image=$1
folder=${2:-.}
parameters=${3:-'{}'}
url=${CYTOEDGE_URL:?the address of the service}
key=${CYTOEDGE_KEY:?a key of the service}

# call METHOD PATH [JSON]
call() {
  curl --silent --show-error --fail-with-body --request "$1" "$url/v1$2" \
    --header "authorization: Bearer $key" \
    --header 'content-type: application/json' ${3:+--data "$3"}
}

# announce the file, then send exactly what was announced
name=$(basename "$image")
bytes=$(wc -c <"$image" | tr -d ' ')
sha256=$( (sha256sum "$image" 2>/dev/null || shasum -a 256 "$image") | cut -d' ' -f1)
upload=$(call POST /uploads "$(jq -n --arg name "$name" --arg sha256 "$sha256" \
  --argjson bytes "$bytes" '{name: $name, bytes: $bytes, sha256: $sha256}')")
headers=()
while IFS= read -r header; do headers+=(--header "$header"); done < <(
  jq -r '.put.headers | to_entries[] | "\(.key): \(.value)"' <<<"$upload")
curl --silent --show-error --fail-with-body --output /dev/null \
  --request PUT ${headers[@]+"${headers[@]}"} --data-binary "@$image" \
  "$(jq -r .put.url <<<"$upload")"

# a job; its events end when it does
job=$(call POST /jobs "$(jq -n --argjson upload "$upload" \
  --argjson parameters "$parameters" '{images: [{upload: $upload.id}],
    parameters: $parameters, outputs: ["tif", "csv"]}')" | jq -r .id)
call GET "/jobs/$job/events" >/dev/null
state=$(call GET "/jobs/$job")
if [ "$(jq -r .state <<<"$state")" != succeeded ]; then
  jq -r .error <<<"$state" >&2
  exit 1
fi

# each file has a URL of its own, for some minutes
result=$(call GET "/jobs/$job/results" | jq '.images[0]')
mkdir -p "$folder"
jq -r '.files | to_entries[] | "\(.key)\t\(.value.url)"' <<<"$result" |
  while IFS=$'\t' read -r file from; do
    curl --silent --show-error --fail --output "$folder/$file" "$from"
  done
echo "$name: $(jq .count <<<"$result") cells"
