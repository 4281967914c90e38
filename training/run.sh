#!/usr/bin/env bash
# Everything from nothing: environment, texts, windows, training (resumed if cut off), export, card, goldens. Needs Python 3.11 or
# newer and cargo; for natural English zstd and the texts of shared/corpus.
#   training/run.sh [CONFIG]        default: training/configs/storyworld-mask.toml
set -euo pipefail
cd "$(dirname "$0")/.."
config=${1:-training/configs/storyworld-mask.toml}
name=$(basename "$config" .toml)
python=training/.venv/bin/python
[ -x $python ] || python3 -m venv training/.venv
$python -m pip install --quiet --requirement training/requirements.txt

mkdir -p training/data
once() { # file, command that prints it
  local file=$1
  shift
  [ -s "$file" ] && return
  "$@" >"$file.part"
  mv "$file.part" "$file"
}
storyworld() { cargo run --quiet --release -p storyworld -- "$@"; }
case $name in
storyworld-*)
  once training/data/storyworld.train.txt storyworld corpus --stories 3200000
  once training/data/storyworld.validation.txt storyworld corpus --stories 4000 --seed 1000000000
  once training/data/storyworld.vocabulary.txt storyworld vocabulary
  ;;
english-*)
  for part in train val; do once training/data/english.$part.txt zstd -dc ../shared/corpus/english.$part.txt.zst; done
  ;;
esac
[ -s "training/data/${name%%-*}/units.npy" ] || $python -m training.data "$config"

$python -m unittest training.self_check
$python -m training.train "$config"
$python -m training.export "$config"
$python -m training.card "$config"
$python -m training.golden_families "$name"
[ "$name" != storyworld-mask ] || $python -m training.golden "$name"
