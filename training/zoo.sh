#!/usr/bin/env bash
# All models at once on one GPU, each in a process of its own, then their export. Data must be prepared (run.sh does it).
#   training/zoo.sh SECONDS [NAME ...]       default: every model; SECONDS: training takes fewer steps rather than more time
# More for training.train goes in TRAIN_OPTIONS. Several of these beside each other share the GPU, each with seconds of its own.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-training/.venv/bin/python}
seconds=$1
shift
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(storyworld-{ar,mask,uniform,mask-uniform,gaussian,mask-cart,mask-salience} english-{ar,mask,mask-uniform})
logs=training/checkpoints/logs
mkdir -p $logs
export OMP_NUM_THREADS=1 TORCHINDUCTOR_COMPILE_THREADS=4

each() { # command of every model, side by side
  for name in "${names[@]}"; do
    $python -m "$@" training/configs/$name.toml >>$logs/$name.log 2>&1 &
  done
  wait
}
each training.train ${TRAIN_OPTIONS:-} --deadline-seconds "$seconds"
each training.export
$python -m training.golden_families "${names[@]}"
[[ " ${names[*]} " != *" storyworld-mask "* ]] || $python -m training.golden storyworld-mask
for name in "${names[@]}"; do tail -n 1 $logs/$name.log; done
