#!/usr/bin/env bash
# Everything from nothing: environment, corpus, training (resumed if cut off), export, goldens. Needs Python 3.11 or newer and cargo.
#   training/run.sh [CONFIG]        default: training/configs/storyworld-mask.toml
set -euo pipefail
cd "$(dirname "$0")/.."
config=${1:-training/configs/storyworld-mask.toml}
python=training/.venv/bin/python
[ -x $python ] || python3 -m venv training/.venv
$python -m pip install --quiet --requirement training/requirements.txt

mkdir -p training/data
corpus() { # file, first seed, stories
  [ -s "$1" ] && return
  cargo run --quiet --release -p storyworld -- corpus --stories "$3" --seed "$2" --max-words 63 >"$1.part"
  mv "$1.part" "$1"
}
corpus training/data/storyworld.train.txt 0 3200000
corpus training/data/storyworld.validation.txt 1000000000 4000

$python -m unittest training.self_check
$python -m training.train "$config"
$python -m training.export "$config"
$python -m training.golden "$(basename "$config" .toml)"
