#!/bin/sh
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

# ---- Links and read-only files

fails 1 'a symbolic link to what does not exist' 'y through a link to nothing' forward --x x.npy --y dangling.npy
check 'a link to nothing stays one' test -h dangling.npy -a ! -e nothing.npy
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
check "a living process's stays" test -e ".clbn-$$-0.tmp"
check 'a file of another name stays' test -e .clbn-999999999-2.tmp.txt
rm -f .clbn-*

finish
