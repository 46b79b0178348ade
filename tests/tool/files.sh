#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the files that the clbn command reads and writes: files.sh PATH_TO_CLBN.
# shellcheck source=tests/tool/lib.sh
. "${0%/*}/lib.sh"

f4 x.npy '(4, 2)' 1 2 1 2 3 6 3 6
f4 y.want '(4, 2)' -1 -1 -1 -1 1 1 1 1
f4 gamma.npy '(2,)' 2 0.5

# ---- Two outputs to one file, whatever its names are

mkdir sub
ln -s . here
ln -s y.npy link.npy
ln -s nothing.npy dangling.npy
for other in "./y.npy" "$PWD/y.npy" here/y.npy sub/../y.npy; do
    fails 2 'both write' "two outputs to one new file, $other" forward --x x.npy --y y.npy --save-mean "$other" \
        --save-invstd si.npy
    check "nothing is written, $other" test ! -e y.npy -a ! -e si.npy
done
cp y.want y.npy
for other in ./y.npy here/y.npy link.npy; do
    fails 2 'both write' "two outputs to one old file, $other" forward --x x.npy --y y.npy --save-mean "$other" \
        --save-invstd si.npy
done
fails 2 'both write' 'two outputs of a backward' backward --x x.npy --dy x.npy --dgamma g.npy --dbeta ./g.npy
fails 2 'both write' 'two outputs of fold' fold --weights x.npy --running-mean gamma.npy --running-var gamma.npy \
    --folded-weights f.npy --folded-bias "$PWD/f.npy"
fails 2 'both write' 'two outputs of bench' bench --shapes 2,3 --quick --json ./b.svg --plot b.svg
fails 2 'both write' 'two outputs of train' train --log t.svg --plot here/t.svg
fails 2 'both write' 'two outputs of a training whose picture has its usual name' train --compare --log ./clbn-train.svg

# ---- Outputs over inputs: a tensor may take a tensor's place, nothing else

cp gamma.npy gamma.before
fails 2 'which --gamma reads' 'y over gamma' forward --x x.npy --gamma gamma.npy --y ./gamma.npy
fails 2 'which --gamma reads' 'a saved mean over gamma' forward --x x.npy --gamma gamma.npy --y z.npy --save-mean here/gamma.npy \
    --save-invstd si.npy
fails 2 'which --x reads' 'a saved mean over x' forward --x x.npy --y z.npy --save-mean ./x.npy --save-invstd si.npy
fails 2 'which --gamma reads' 'a running mean that is gamma' forward --x x.npy --gamma gamma.npy --y z.npy \
    --running-mean ./gamma.npy --running-var rv.npy
same 'gamma is untouched' gamma.npy gamma.before
cp x.npy inplace.npy
succeeds 'y over x by another name' forward --x inplace.npy --y here/inplace.npy --epsilon 0
same 'y over x' inplace.npy y.want
f4 zero.npy '(2,)' 0 0
f4 one.npy '(2,)' 1 1
f4 weights.npy '(2, 1)' 2 4
f4 bias.npy '(2,)' 1 2
succeeds 'fold over its inputs' fold --weights weights.npy --bias bias.npy --running-mean zero.npy --running-var one.npy \
    --epsilon 0 --folded-weights ./weights.npy --folded-bias ./bias.npy
f4 bias.want '(2,)' 1 2
same 'a bias over a bias' bias.npy bias.want
mkdir data
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    echo "$name" >data/$name-ubyte
done
fails 2 "one of the data's files" 'a log over the images' train --data data --log here/data/train-images-idx3-ubyte
fails 2 "one of the data's files" 'a log over the labels' train --data data --log data/t10k-labels-idx1-ubyte
check 'the data is untouched' grep -q train-images data/train-images-idx3-ubyte
fails 2 'exclude each other' "the paper's figure without batch norm" train --paper --no-bn
fails 2 '--seeds' 'no seed' train --seeds 0
fails 2 '--layout is for --model cnn' 'a layout of the linear layers' train --layout nchw
fails 2 '--compare is for --model mlp' 'a residual network without batch norm' train --model cnn --compare
fails 2 '--batch takes at most' 'a huge batch of the residual network' train --model cnn --batch 5000
fails 2 '--freeze-bn' 'no steps on frozen statistics' train --model cnn --freeze-bn 0
fails 2 '--model' 'a model that is none' train --model rnn
fails 2 'need each other' 'ghost batches of no size' train --normalization ghost
fails 2 'need each other' 'a size of ghost batches without them' train --ghost-batch 4
fails 2 'need --normalization renorm' 'a bound without renormalization' train --renorm-r-max 2
fails 2 'leaves a ghost batch of one image' 'a ghost batch of one image' train --normalization ghost --ghost-batch 3 --batch 10
fails 2 '--no-bn and --normalization' 'renormalization of no batch norm' train --no-bn --normalization renorm
fails 2 '--dropout is for --model mlp' 'dropout in the residual network' train --model cnn --dropout 0.5
fails 2 'a share below 1' 'dropout of everything' train --dropout 1
fails 2 '--dropout' 'dropout of less than nothing' train --dropout -0.1
fails 2 'a number from 1' 'a bound of r below 1' train --normalization renorm --renorm-r-max 0.5

# ---- Trainings, of eight images of 3 x 3 pixels

# images FILE and labels FILE: in IDX format.
images() {
    printf '\000\000\010\003\000\000\000\010\000\000\000\003\000\000\000\003' >"$1"
    printf 'abcdefghi1234567892468ace13579bdfzyxwvutsrqponmlkjihgfedcba0192837465+-*' >>"$1"
}
labels() {
    printf '\000\000\010\001\000\000\000\010\000\001\002\003\004\005\006\007' >"$1"
}
mkdir digits
for part in train t10k; do
    images digits/$part-images-idx3-ubyte
    labels digits/$part-labels-idx1-ubyte
done
succeeds 'the figure of the paper' train --data digits --paper --steps 6 --seeds 2 --batch 4 --log paper.csv --checkpoint state
check 'two seeds have seven points of two networks' test "$(grep -c '^[12],[0-6],' paper.csv)" -eq 28
check 'each seed has a state' test -s state/seed-1.npy -a -s state/seed-2.npy
rm state/seed-2.npy
succeeds 'the figure from a state' train --data digits --paper --steps 6 --seeds 2 --batch 4 --log again.csv --checkpoint state
check 'the figure is the same' cmp -s paper.csv again.csv
touch file
fails 1 "cannot make the folder 'file'" 'a state in a file' train --data digits --batch 4 --checkpoint file
for kind in '--layout nhwc' '--layout nchw --type float16'; do
    # shellcheck disable=SC2086
    prints 'predictions stay the same' "a residual network, $kind" train --data digits --model cnn --steps 3 --freeze-bn 2 --batch 4 \
        --channels 2 --json cnn.json $kind
    check "its report, $kind" grep -q '"agreeing": 8' cnn.json
done
for how in 'ghost --ghost-batch 2' 'renorm --renorm-r-max 2 --renorm-d-max 1'; do
    # shellcheck disable=SC2086
    succeeds "linear layers, $how" train --data digits --steps 6 --batch 4 --normalization $how
    # shellcheck disable=SC2086
    prints 'predictions stay the same' "a residual network, $how" train --data digits --model cnn --steps 3 --freeze-bn 2 --batch 4 \
        --channels 2 --normalization $how
done

# ---- Links and read-only files

if is_posix; then
    fails 1 'a symbolic link to what does not exist' 'y through a link to nothing' forward --x x.npy --y dangling.npy
    check 'a link to nothing stays one' test -h dangling.npy -a ! -e nothing.npy
fi
succeeds 'y through a link' forward --x x.npy --y link.npy --epsilon 0
check 'a link stays one' test -h link.npy
same 'y is where the link leads' y.npy y.want
cp gamma.npy protected.npy
chmod 444 protected.npy
fails 1 "'protected.npy': it is read-only" 'y over a read-only file' forward --x x.npy --y protected.npy
same 'a read-only file is untouched' protected.npy gamma.npy

# ---- What others left

# No process has an id as large as that.
: >.clbn-999999999-0.tmp
: >.clbn-999999999-1.tmp
: >.clbn-999999999-2.tmp.txt
: >".clbn-$$-0.tmp"
touch -d '2 days ago' .clbn-999999999-0.tmp .clbn-999999999-2.tmp.txt ".clbn-$$-0.tmp"
succeeds 'y beside leftovers' forward --x x.npy --y y.npy
check 'an old one is removed' test ! -e .clbn-999999999-0.tmp
check 'a young one stays' test -e .clbn-999999999-1.tmp
if is_posix; then
    check "a living process's stays" test -e ".clbn-$$-0.tmp"
fi
check 'a file of another name stays' test -e .clbn-999999999-2.tmp.txt
rm -f .clbn-*

# ---- What is updated keeps its type, and its file where nothing changes

f4 rm.want '(2,)' 1 2
f4 rv.want '(2,)' 1 3
for type in '<f2' '<f4' '<f8'; do
    array rm.npy "$type" False '(2,)' 0 0
    array rv.npy "$type" False '(2,)' 1 2
    array rm.want "$type" False '(2,)' 1 2
    array rv.want "$type" False '(2,)' 1 3
    cp rm.npy rm.before
    ln -f rm.npy rm.same
    ln -f rv.npy rv.same
    succeeds "nothing to update, $type" forward --x x.npy --y y.npy --running-mean rm.npy --running-var rv.npy --update-factor 0
    same "a running mean without update, $type" rm.npy rm.before
    check "it is the same file, $type" test rm.npy -ef rm.same -a rv.npy -ef rv.same
    succeeds "training updates, $type" forward --x x.npy --y y.npy --running-mean rm.npy --running-var rv.npy \
        --update-factor 0.5 --biased-running-var
    same "the running mean keeps its type, $type" rm.npy rm.want
    same "the running variance keeps its type, $type" rv.npy rv.want
    array dbeta.npy "$type" False '(2,)' 2 0
    array dbeta.want "$type" False '(2,)' 10 16
    succeeds "accumulating, $type" backward --dy x.npy --dbeta dbeta.npy --accumulate 1
    same "dbeta keeps its type, $type" dbeta.npy dbeta.want
done
header '>f4' False '(2,)' >rm.npy
printf '\000\000\000\000\000\000\000\000' >>rm.npy
header '>f4' False '(2,)' >rm.want
printf '\077\200\000\000\100\000\000\000' >>rm.want
f4 rv.npy '(2,)' 1 2
f4 x5.npy '(4, 2)' 1 2 1 2 3 6 3 6
succeeds 'training updates in the other order' forward --x x5.npy --y y.npy --running-mean rm.npy --running-var rv.npy \
    --update-factor 0.5 --biased-running-var
same 'the running mean keeps its order' rm.npy rm.want
f4 empty.npy '(0, 2)'
ln -f rm.npy rm.same
succeeds 'an empty batch' forward --x empty.npy --y y.npy --running-mean rm.npy --running-var rv.npy
check 'an empty batch changes no file' test rm.npy -ef rm.same
chmod 444 rm.npy rv.npy
succeeds 'read-only running statistics that do not change' forward --x x.npy --y y.npy --running-mean rm.npy \
    --running-var rv.npy --update-factor 0
fails 1 'it is read-only' 'read-only running statistics' forward --x x.npy --y y.npy --running-mean rm.npy \
    --running-var rv.npy
chmod 644 rm.npy rv.npy

# ---- bfloat16, as other packages have NumPy write it

# 1 2 1 2 3 6 3 6, and an updated 0 0.
header '<V2' False '(4, 2)' >xb.npy
printf '\200\077\000\100\200\077\000\100\100\100\300\100\100\100\300\100' >>xb.npy
header '<V2' False '(2,)' >rm.npy
printf '\000\000\000\000' >>rm.npy
header '<V2' False '(2,)' >rm.want
printf '\200\077\000\100' >>rm.want
succeeds 'forward of bfloat16' forward --x xb.npy --y y.npy --type bfloat16 --epsilon 0 --running-mean rm.npy \
    --running-var rv.npy --update-factor 0.5
same 'y of bfloat16' y.npy y.want
same 'a running mean of bfloat16' rm.npy rm.want
fails 1 "'xb.npy' for --x has the type V2, which is bfloat16 only where" 'two bytes of anything' forward --x xb.npy --y y.npy
fails 1 "'rm.npy' for --gamma has the type V2" 'gamma of two bytes of anything' forward --x x.npy --y y.npy --gamma rm.npy

# ---- Archives: a stored member, made of a zip file's records

# little NUMBER BYTES: in octal escapes for printf
little() {
    rest=$1
    for _ in $(seq "$2"); do
        printf '\\%03o' $((rest % 256))
        rest=$((rest / 256))
    done
}
crc=$(gzip -c x.npy | tail -c 8 | head -c 4 | od -An -to1 | sed 's/ /\\/g')
size=$(wc -c <x.npy)
sizes="$crc$(little "$size" 4)$(little "$size" 4)$(little 5 2)$(little 0 2)"
fields="$(little 20 2)$(little 0 8)"
{
    # The numbers are escapes of printf's format.
    # shellcheck disable=SC2059
    printf "PK\\003\\004$fields${sizes}x.npy"
    cat x.npy
    # shellcheck disable=SC2059
    printf "PK\\001\\002$(little 20 2)$fields$sizes$(little 0 10)$(little 0 4)x.npy"
    # shellcheck disable=SC2059
    printf "PK\\005\\006$(little 0 4)$(little 1 2)$(little 1 2)$(little 51 4)$(little $((35 + size)) 4)$(little 0 2)"
} >data.npz
run forward --x data.npz:x --y y.npy
if ! grep -q 'without zlib' "$folder/err"; then
    succeeds 'forward of a member' forward --x data.npz:x --y y.npy --epsilon 0
    same 'y of a member' y.npy y.want
    fails 1 "it has no member 'z', but x" 'no such member' forward --x data.npz:z --y y.npy
    fails 1 'DATA.npz:NAME; it has x' 'an archive for an array' forward --x data.npz --y y.npy
fi
fails 1 "'none.npz': No such file" 'a member of no archive' forward --x none.npz:x --y y.npy
fails 2 'arrays are written to .npy files' 'y into an archive' forward --x x.npy --y data.npz:y
fails 2 'arrays are written to .npy files' 'y instead of an archive' forward --x x.npy --y data.npz

# ---- Pipes

cat x.npy | "$clbn" forward --x - --y - --epsilon 0 2>"$folder/err" | cat >piped.npy
same 'from a pipe to a pipe' piped.npy y.want
check 'nothing is said in a pipe' test ! -s "$folder/err"
f4 fortran.npy '(4, 2)' 1 2
header '<f4' True '(4, 2)' >fortran.npy
for value in 1 1 3 3 2 2 6 6; do bits '<f4' $value >>fortran.npy; done
"$clbn" forward --x - --y y.npy --epsilon 0 <fortran.npy
same 'Fortran order from a pipe' y.npy y.want
fails 2 'both read the standard input' 'two arrays from a pipe' forward --x - --gamma - --y y.npy
fails 2 'both write' 'two arrays to a pipe' forward --x x.npy --y - --save-mean - --save-invstd si.npy
fails 2 'takes a file' 'an update in a pipe' forward --x x.npy --y y.npy --running-mean - --running-var rv.npy
head -c 150 x.npy | fails 1 "cannot read 'the standard input'" 'a pipe that ends early' forward --x - --y y.npy
(cat x.npy && echo) | fails 1 "it goes on after the 32 bytes" 'a pipe that goes on' forward --x - --y y.npy
: | fails 1 "it is not a .npy file" 'an empty pipe' forward --x - --y y.npy
run bench --shapes 2,3 --quick --ops forward --json -
check 'JSON to the standard output' test "$code" -eq 0 -a "$(head -c 1 "$folder/out")" = '{' -a "$(tail -c 2 "$folder/out")" = '}'
check 'the table to the standard error' grep -q 'Geometric means' "$folder/err"
check 'no file named -' test ! -e -
CLBN_CACHE_DIR='' run tune --shapes 4,6 --seconds 0.01 --json -
check 'JSON of tuning to the standard output' test "$(head -c 1 "$folder/out")" = '{'

# ---- OpenCL that has no device

if [ "$("$clbn" devices --json | grep -c 'Portable Computing Language')" -ge 1 ]; then
    export POCL_CACHE_DIR=/proc/none
    run devices
    # With other platforms there are devices all the same.
    if [ "$code" -ne 0 ]; then
        check 'what OpenCL said' grep -q "'Portable Computing Language' said CL_DEVICE_NOT_FOUND (-1)" "$folder/err"
        check 'what the reason may be' grep -q 'POCL_CACHE_DIR' "$folder/err"
    fi
    unset POCL_CACHE_DIR
fi

finish
