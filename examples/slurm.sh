#!/bin/bash
# Triplets on the cores of a cluster, then phi and the text encoder on its GPUs: `SOURCES=... WORK=... sbatch examples/slurm.sh`.
#
# WORK must be a folder that all machines see: shards, cached features and checkpoints lie there. A job that was ended, by its time limit
# too, goes on where it was when it is submitted again.
#SBATCH --job-name=tripletgen
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=64
#SBATCH --gpus-per-node=8
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

export SOURCES=${SOURCES:?give the caption files, such as "/data/cc3m/*.tsv"}
export WORK=${WORK:?give a folder that all machines share}
BACKBONE=${BACKBONE:-openai/clip-vit-large-patch14}
BATCH=${BATCH:-512} # triplets a step, of all processes together
GPUS=${SLURM_GPUS_ON_NODE:-8}
HOSTS=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
export HEAD=${HOSTS%%$'\n'*} # not by a pipe to `head`, which may close it before the names are written and so end the job

# A task a machine; the first machine that fails ends the others.
everywhere() { srun --kill-on-bad-exit=1 "$@"; }

# Ray on every machine; the first one builds, and takes Ray down when it is done.
build() {
  # shellcheck disable=SC2016  # expanded on each machine
  everywhere bash -c '
    if [ "$SLURM_PROCID" = 0 ]; then
      ray start --head --port=6379
      trap "ray stop" EXIT
      tripletgen build $SOURCES --out "$WORK/triplets" --engine ray --ray-address "$HEAD:6379"
    else
      until ray start --address="$HEAD:6379"; do sleep 1; done
      while ray status --address="$HEAD:6379" >/dev/null 2>&1; do sleep 10; done
      ray stop
    fi'
}

# torchrun on every machine, a process a GPU; they meet at the first machine.
train() {
  everywhere torchrun --nnodes "$SLURM_JOB_NUM_NODES" --nproc-per-node "$GPUS" \
    --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$HEAD:29500" \
    -m rtd_train.cli.app "$@" --backbone "$BACKBONE" --cache "$WORK/cache" \
    --batch-size $((BATCH / (SLURM_JOB_NUM_NODES * GPUS))) --precision bf16
}

build
[ -f "$WORK/phi.safetensors" ] || train fit-phi "$WORK/triplets" --out "$WORK/phi.safetensors"
train fit "$WORK/triplets" --phi "$WORK/phi.safetensors" --out "$WORK/run"
