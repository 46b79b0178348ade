#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the clbn command: run.sh PATH_TO_CLBN. tests/tool/lib.sh says what they need.
# shellcheck source=tests/tool/lib.sh
. "${0%/*}/lib.sh"

# ---- Help, version and usage

prints 'Usage: clbn COMMAND' 'clbn --help' --help
for command in devices verify forward backward fold train bench tune cache; do
    prints "$command" "clbn --help names $command" --help
    prints "Usage: clbn $command" "clbn $command --help" $command --help
    check "clbn $command --help fits 80 columns" fits
    prints ".TH clbn-$command 1" "the manual of clbn $command" "$command" --man
    prints '--version' "words for completion of clbn $command" "$command" --words
done
prints '--update-factor FACTOR' 'clbn forward --help lists the options' forward --x a --help
prints 'Usage: clbn COMMAND' 'clbn -h' -h
prints 'Usage: clbn forward' 'clbn forward -h' forward -h
prints 'Usage: clbn forward' 'clbn help forward' help forward
prints 'Usage: clbn COMMAND' 'clbn help' help
prints 'CLBN_CACHE_DIR' 'clbn --help names what the environment changes' --help
prints '.TH clbn 1' 'the manual of clbn' --man
prints 'verify' 'words for completion' --words
prints 'clbn ' 'clbn --version' --version
prints 'clbn ' 'clbn -V' -V
prints 'clbn ' 'clbn forward --version' forward --version
fails 2 'a command is missing' 'no command'
fails 2 "no command 'nonsense'" 'unknown command' nonsense
fails 2 'no option --nonsense' 'unknown option' forward --nonsense
fails 2 'no option --run' 'what several options begin with' forward --run g.npy
fails 2 'no option --nonsense;' 'unknown option with a value' forward --nonsense=1
fails 2 "'-x' is none" 'one dash' forward -x x.npy
fails 2 "'-x' is none" 'one dash and several letters' forward -xh
fails 2 "no command 'nonsense'" 'help for an unknown command' help nonsense
fails 2 "'x.npy' is none" 'argument that is no option' forward x.npy
fails 2 "'--' is none" 'two dashes' forward --
fails 2 '--x FILE.npy is required' 'forward without --x' forward --y y.npy
fails 2 '--y FILE.npy is required' 'forward without --y' forward --x x.npy
fails 2 '--x FILE.npy is required' 'backward without --x and --y' backward --dy dy.npy --dx dx.npy
fails 2 '--x FILE.npy is required' 'dgamma without --x and --y' backward --dy dy.npy --dgamma dgamma.npy --dbeta dbeta.npy
fails 2 '--dy FILE.npy is required' 'backward without --dy' backward --x x.npy --dx dx.npy
fails 2 '--y needs a value' 'value missing at the end' forward --x x.npy --y
fails 2 '--x needs a value' 'value missing before an option' forward --x --y y.npy
fails 2 "not ''" 'empty value' forward --x= --y y.npy
fails 2 '--x is given twice' 'option given twice' forward --x x.npy --y y.npy --x=x.npy
fails 2 '--inference takes no value' 'flag with a value' forward --inference=1
fails 2 'an integer from -8 to 7' 'axis out of range' forward --axis 8
fails 2 'an integer from -8 to 7' 'axis far out of range' forward --axis 99999999999999999999
fails 2 'an integer from -8 to 7' 'axis not a number' forward --axis=1x
fails 2 'an integer from -8 to 7' 'axis empty' forward --axis=
fails 2 'a number not below 0' 'negative epsilon' forward --epsilon -1e-5
fails 2 'a number not below 0' 'epsilon not a number' forward --epsilon nan
fails 2 'a number not below 0' 'infinite epsilon' forward --epsilon 1e999
fails 2 'a number from 0 to 1' 'update factor out of range' forward --update-factor 1.1
fails 2 'auto, vector or group' 'unknown geometry' forward --geometry square
fails 2 'auto, float32, float64, float16 or bfloat16' 'unknown type' forward --type float8
fails 2 'silu, sigmoid, tanh or elu' 'unknown activation' forward --activation gelu
fails 2 'a number not below 0' 'negative alpha' forward --elu-alpha -1
fails 2 'a number not below 0' 'infinite alpha' backward --elu-alpha 1e999
fails 2 '--weights FILE.npy is required' 'fold without weights' fold --folded-bias fb.npy
fails 2 'no option --activation' 'fold with an activation' fold --activation relu
fails 2 'neither a list of shapes' 'bench of an unknown list' bench --shapes resnet51
fails 2 'neither a list of shapes' 'bench of a size of 0' bench --shapes 2,0,3
fails 2 'neither a list of shapes' 'bench of a shape and nothing' bench --shapes 2,3,5,7+
fails 2 'fewer than two values' 'bench of one value per channel' bench --shapes 1,3
fails 2 'more than 8 sizes' 'bench of nine axes' bench --shapes 2,2,2,2,2,2,2,2,2
fails 2 'more bytes' 'bench of a shape that overflows' bench --shapes 4294967296,4294967296,4
fails 2 '--ops takes' 'bench of an unknown operation' bench --ops forward,sideways
fails 2 '--layout takes' 'bench of an unknown layout' bench --layout chwn
fails 2 '--type takes' 'bench of an unknown type' bench --type float8
fails 2 'none or onednn' 'bench beside an unknown peer' bench --peer cudnn
fails 2 'ends in .svg or .png' 'bench with an unknown picture' bench --plot bench.gif
fails 2 'both write' 'bench with two outputs of one name' bench --plot b.svg --json b.svg

fails 2 'neither a list of shapes' 'tuning of an unknown list' tune --shapes resnet51
fails 2 '--ops takes' 'tuning of an unknown operation' tune --ops sideways
fails 2 '--layout takes' 'tuning of an unknown layout' tune --layout chwn
fails 2 '--type takes' 'tuning of an unknown type' tune --type float8
fails 2 'a number from' 'tuning in no time' tune --seconds 0
fails 2 'silu, sigmoid, tanh or elu' 'tuning of an unknown activation' tune --activation gelu

forward="forward --x x.npy --y y.npy"
backward="backward --x x.npy --dy dy.npy --dx dx.npy"
running="--running-mean rm.npy --running-var rv.npy"
saved="--save-mean sm.npy --save-invstd si.npy"
# The variables hold several words each.
# shellcheck disable=SC2086
{
    fails 2 'need each other' 'running mean alone' $forward --running-mean rm.npy
    fails 2 'need each other' 'running variance alone' $forward --running-var rv.npy
    fails 2 'need each other' 'saved mean alone' $forward --save-mean sm.npy
    fails 2 'need each other' 'saved invstd alone' $backward --save-invstd si.npy
    fails 2 '--inference needs' 'inference without running statistics' $forward --inference
    fails 2 'not for --inference' 'inference with update factor' $forward --inference $running --update-factor 0.5
    fails 2 'not for --inference' 'inference with biased variance' $forward --inference $running --biased-running-var
    fails 2 'not for --inference' 'inference with saved statistics' $forward --inference $running $saved
    fails 2 '--update-factor needs' 'update factor without running statistics' $forward --update-factor 0.5
    fails 2 '--biased-running-var needs' 'biased variance without running statistics' $forward --biased-running-var
    fails 2 'exclude each other' 'an axis per activation' $forward --axis 1 --per-activation
    fails 2 '--leaky-slope needs' 'slope of another activation' $forward --activation relu --leaky-slope 0.1
    fails 2 '--elu-alpha needs' 'alpha without activation' $backward --elu-alpha 1
    fails 2 '--mask needs' 'mask without activation' $forward --mask mask.npy
    fails 2 '--mask needs' 'mask of an activation that has none' $backward --mask mask.npy --activation silu
    fails 2 'need each other' 'a beginning of an option' $forward --running-m rm.npy
    fails 2 'only one of' 'residual and mask' $backward --residual z.npy --mask mask.npy --activation relu
    fails 2 'only one of' 'residual and y' $backward --residual z.npy --y y.npy --activation relu
    fails 2 '--accumulate needs' 'nothing to accumulate' backward --dy dy.npy --dresidual dr.npy --accumulate 1
    fails 2 'both write' 'mask and y of one name' $forward --activation relu --mask y.npy
    fails 2 'both write' 'two outputs of one name' $forward --save-mean y.npy --save-invstd si.npy
    fails 2 'both write' 'running statistics of one name' $forward --running-mean r.npy --running-var r.npy
    fails 2 '--frozen needs' 'frozen without running statistics' $backward --frozen
    fails 2 'need --frozen' 'running statistics without frozen' $backward $running
    fails 2 'no sense with --frozen' 'frozen with saved statistics' $backward --frozen $running $saved
    fails 2 'is required' 'backward without outputs' backward --x x.npy --dy dy.npy
    fails 2 'both write' 'two gradients of one name' $backward --dgamma dx.npy
}

# ---- Devices

prints 'geometry' 'devices prints a table' devices
prints '0' 'devices numbers from 0' devices
prints '"devices": [' 'devices --json' devices --json
for key in index default name platform version kind compute_units global_bytes local_bytes types; do
    prints "\"$key\": " "devices --json has $key" devices --json
done
"$clbn" devices --json >"$folder/devices" 2>&1
float64=false
if [ "$(grep -c '"index"' "$folder/devices")" -eq "$(grep -c '"float64"' "$folder/devices")" ]; then
    float64=true
fi
f4 x.npy '(1, 1)' 1
fails 1 'no device matches' 'unknown device' forward --x x.npy --y y.npy --device 'no such device'
fails 1 'no device matches' 'index of no device' forward --x x.npy --y y.npy --device 999999
run devices
check 'devices fit 80 columns' fits
for kind in cpu GPU; do
    if grep -qi "\"kind\": \"$kind\"" "$folder/devices"; then
        succeeds "device $kind" forward --x x.npy --y y.npy --device $kind
    else
        fails 1 'no device matches' "no device $kind" forward --x x.npy --y y.npy --device $kind
    fi
done
succeeds 'device by index' forward --x x.npy --y y.npy --device 0
device_name=$(sed -n 's/.*"name": "\(.*\)",*$/\1/p' "$folder/devices" | head -n 1)
if [ "$(grep -cF "\"name\": \"$device_name\"" "$folder/devices")" -eq 1 ]; then
    succeeds 'device by name' forward --x x.npy --y y.npy --device "$device_name"
    succeeds 'device by name in capitals' forward --x x.npy --y y.npy --device \
        "$(echo "$device_name" | tr '[:lower:]' '[:upper:]')"
fi
mkdir "$folder/vendors"
old_vendors=${OCL_ICD_VENDORS-unset}
export OCL_ICD_VENDORS="$folder/vendors"
# A libOpenCL that is a vendor's own, and not a loader, has its devices all the same.
run devices
if [ "$code" -ne 0 ]; then
    fails 1 'OpenCL' 'devices without OpenCL' devices
    fails 1 'OpenCL' 'forward without OpenCL' forward --x x.npy --y z.npy
    check 'no output without OpenCL' test ! -e z.npy
fi
if [ "$old_vendors" = unset ]; then unset OCL_ICD_VENDORS; else OCL_ICD_VENDORS=$old_vendors; fi
if [ -c /dev/full ]; then
    code=0
    "$clbn" devices >/dev/full 2>"$folder/err" || code=$?
    check 'devices to a full disk' test "$code" -eq 1 -a "$(cat "$folder/err")" != ''
fi

# ---- Files that are refused

rm -f ./*.npy
f4 x.npy '(4, 2)' 1 2 1 2 3 6 3 6
fails 1 "'none.npy': No such file" 'no such input' forward --x none.npy --y y.npy
fails 1 'not a regular file' 'input is a folder' forward --x . --y y.npy
fails 1 "'none.npy': No such file" 'no such running mean' forward --x x.npy --y y.npy --running-mean none.npy \
    --running-var none2.npy
echo 'hello' >bad.npy
fails 1 'not a .npy file' 'text for an array' forward --x bad.npy --y y.npy
head -c 150 x.npy >bad.npy
fails 1 '22 bytes of data, and its shape (4, 2) needs 32' 'truncated array' forward --x bad.npy --y y.npy
(cat x.npy && echo) >bad.npy
fails 1 '33 bytes of data, and its shape (4, 2) needs 32' 'trailing byte' forward --x bad.npy --y y.npy
array bad.npy '<i4' False '(1,)' 1
fails 1 "type is '<i4'" 'integers' forward --x bad.npy --y y.npy
array bad.npy '<f4' False '(9999999999, 9999999999)'
fails 1 'shape is too large' 'huge shape' forward --x bad.npy --y y.npy
array bad.npy '<f4' False '(99999, 99999)'
fails 1 'needs 39999200004' 'large shape without data' forward --x bad.npy --y y.npy
array bad.npy '<f4' False '()' 1
fails 1 'a single value without axes' 'array of rank 0' forward --x bad.npy --y y.npy
array bad.npy '<f4' False '(4,)' 1 2 3 4
fails 1 'the axes -1 to 0' 'axis 1 of a rank-1 array' forward --x bad.npy --y y.npy
fails 1 'the axes -2 to 1' 'axis 2 of a rank-2 array' forward --x x.npy --y y.npy --axis 2
fails 1 'the axes -2 to 1' 'axis -3 of a rank-2 array' forward --x x.npy --y y.npy --axis -3
f4 bad.npy '(3,)' 1 1 1
fails 1 "'bad.npy' for --gamma has the shape (3,), and (2,) is expected" 'gamma of another length' \
    forward --x x.npy --y y.npy --gamma bad.npy
f4 bad.npy '(1, 2)' 1 1
fails 1 'has the shape (1, 2), and (2,) is expected' 'beta of two axes' forward --x x.npy --y y.npy --beta bad.npy
header '|u1' False '(2,)' >bad.npy
printf 'ab' >>bad.npy
fails 1 'has the type uint8, and a floating-point one is expected' 'gamma of bytes' forward --x x.npy --y y.npy --gamma bad.npy
fails 1 "'bad.npy' for --x has the type uint8" 'x of bytes' forward --x bad.npy --y y.npy --axis 0
f4 bad.npy '(2, 4)' 1 1 1 1 1 1 1 1
fails 1 'has the shape (2, 4), and (4, 2) is expected' 'dy of another shape' backward --x x.npy --dy bad.npy --dx dx.npy
check 'no output of a failure' test ! -e y.npy -a ! -e dx.npy

# ---- Outputs that cannot be written

f4 rm.npy '(2,)' 0 0
f4 rv.npy '(2,)' 1 2
cp rm.npy rm-before.npy
cp rv.npy rv-before.npy
fails 1 "'no-folder/y.npy': No such file" 'output in no folder' forward --x x.npy --y no-folder/y.npy
mkdir folder.npy
fails 1 'not a regular file' 'output is a folder' forward --x x.npy --y folder.npy
fails 1 'not a regular file' 'output is a device' forward --x x.npy --y /dev/null
check '/dev/null is still there' test -c /dev/null
fails 1 'no-folder' 'last output in no folder' forward --x x.npy --y y.npy --running-mean rm.npy --running-var rv.npy \
    --save-mean sm.npy --save-invstd no-folder/si.npy
check 'no output without the last' test ! -e y.npy -a ! -e sm.npy
same 'running mean untouched' rm.npy rm-before.npy
same 'running variance untouched' rv.npy rv-before.npy
f4 one.npy '(1, 2)' 1 2
fails 1 'CLBN_TOO_FEW_VALUES' 'unbiased variance of one value' forward --x one.npy --y y.npy --running-mean rm.npy \
    --running-var rv.npy
same 'running mean untouched by one value' rm.npy rm-before.npy

# ---- Forward. x has the columns 1 1 3 3 and 2 2 6 6: mean 2 and 4, variance 1 and 4 (unbiased: 4/3 and 16/3).

f4 gamma.npy '(2,)' 2 0.5
f4 beta.npy '(2,)' 1 2
f4 y0.npy '(4, 2)' -1 -1 -1 -1 1 1 1 1
f4 y1.npy '(4, 2)' -1 1.5 -1 1.5 3 2.5 3 2.5
f4 mean.npy '(2,)' 2 4
f4 invstd.npy '(2,)' 1 0.5
f4 var.npy '(2,)' 1 4
for geometry in auto vector group; do
    succeeds "forward, $geometry" forward --x x.npy --y y.npy --epsilon 0 --geometry $geometry
    same "y, $geometry" y.npy y0.npy
    succeeds "forward with gamma and beta, $geometry" forward --x x.npy --y=y.npy --epsilon=0 --gamma gamma.npy \
        --beta beta.npy --save-mean sm.npy --save-invstd si.npy --geometry $geometry
    same "y with gamma and beta, $geometry" y.npy y1.npy
    same "saved mean, $geometry" sm.npy mean.npy
    same "saved invstd, $geometry" si.npy invstd.npy
done
succeeds 'forward, axis -1' forward --x x.npy --y y.npy --epsilon 0 --axis -1
same 'y, axis -1' y.npy y0.npy
f4 xt.npy '(2, 4)' 1 1 3 3 2 2 6 6
f4 yt.npy '(2, 4)' -1 -1 1 1 -1 -1 1 1
succeeds 'forward, axis 0' forward --x xt.npy --y y.npy --epsilon 0 --axis 0
same 'y, axis 0' y.npy yt.npy
f4 x4.npy '(2, 2, 1, 2)' 1 1 2 2 3 3 6 6
f4 y4.npy '(2, 2, 1, 2)' -1 -1 -1 -1 1 1 1 1
succeeds 'forward of four axes' forward --x x4.npy --y y.npy --epsilon 0
same 'y of four axes' y.npy y4.npy
array xf.npy '<f4' True '(4, 2)' 1 1 3 3 2 2 6 6
succeeds 'forward of Fortran order' forward --x xf.npy --y y.npy --epsilon 0
same 'y of Fortran order' y.npy y0.npy
f4 x1.npy '(4,)' 1 1 3 3
f4 yzero.npy '(4,)' 0 0 0 0
succeeds 'forward of one axis' forward --x x1.npy --y y.npy --axis 0
same 'y of one value per channel' y.npy yzero.npy
cp x.npy inplace.npy
succeeds 'y over x' forward --x inplace.npy --y inplace.npy --epsilon 0
same 'y over x is right' inplace.npy y0.npy

# ---- Running statistics

f4 rm-after.npy '(2,)' 1 2
f4 rv-after.npy '(2,)' 1 3
succeeds 'training updates' forward --x x.npy --y y.npy --running-mean rm.npy --running-var rv.npy --update-factor 0.5 \
    --biased-running-var
same 'running mean' rm.npy rm-after.npy
same 'running variance, biased' rv.npy rv-after.npy
f4 x2.npy '(2, 2)' 1 2 3 6
f4 rm.npy '(2,)' 0 0
f4 rv.npy '(2,)' 1 2
f4 rv-after.npy '(2,)' 1.5 5
succeeds 'training updates, unbiased' forward --x x2.npy --y y.npy --running-mean rm.npy --running-var rv.npy \
    --update-factor 0.5
same 'running mean, unbiased' rm.npy rm-after.npy
same 'running variance, unbiased' rv.npy rv-after.npy
f4 rm.npy '(2,)' 2 4
f4 rv.npy '(2,)' 1 4
cp rm.npy rm-before.npy
cp rv.npy rv-before.npy
for geometry in vector group; do
    succeeds "inference, $geometry" forward --x x.npy --y y.npy --inference --running-mean rm.npy --running-var rv.npy \
        --gamma gamma.npy --beta beta.npy --epsilon 0 --geometry $geometry
    same "y of inference, $geometry" y.npy y1.npy
done
same 'running mean of inference' rm.npy rm-before.npy
same 'running variance of inference' rv.npy rv-before.npy

# ---- Backward. xhat is -1 -1 1 1 in both columns; dy has the columns 4 0 0 8 and 8 0 0 16.

f4 dy.npy '(4, 2)' 4 8 0 0 0 0 8 16
f4 dbeta0.npy '(2,)' 12 24
f4 dgamma0.npy '(2,)' 4 8
f4 dx0.npy '(4, 2)' 2 2 -2 -2 -4 -4 4 4
f4 dx1.npy '(4, 2)' 4 1 -4 -1 -8 -2 8 2
f4 dx2.npy '(4, 2)' 4 4 0 0 0 0 8 8
for geometry in auto vector group; do
    succeeds "backward, $geometry" backward --x x.npy --dy dy.npy --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy \
        --epsilon 0 --geometry $geometry
    same "dx, $geometry" dx.npy dx0.npy
    same "dgamma, $geometry" dgamma.npy dgamma0.npy
    same "dbeta, $geometry" dbeta.npy dbeta0.npy
    succeeds "backward with gamma and saved statistics, $geometry" backward --x x.npy --dy dy.npy --gamma gamma.npy \
        --save-mean mean.npy --save-invstd invstd.npy --dx dx.npy --geometry $geometry
    same "dx with gamma and saved statistics, $geometry" dx.npy dx1.npy
    succeeds "backward, frozen, $geometry" backward --x x.npy --dy dy.npy --frozen --running-mean rm.npy \
        --running-var rv.npy --epsilon 0 --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy --geometry $geometry
    same "dx, frozen, $geometry" dx.npy dx2.npy
    same "dgamma, frozen, $geometry" dgamma.npy dgamma0.npy
    same "dbeta, frozen, $geometry" dbeta.npy dbeta0.npy
done
for gradient in dx dgamma dbeta; do
    rm -f dx.npy dgamma.npy dbeta.npy
    succeeds "backward to $gradient only" backward --x x.npy --dy dy.npy --epsilon 0 --$gradient $gradient.npy
    same "$gradient only" $gradient.npy ${gradient}0.npy
    check "no other output than $gradient" test \
        "$(find . -name 'dx.npy' -o -name 'dgamma.npy' -o -name 'dbeta.npy' | wc -l)" -eq 1
done
for geometry in vector group; do
    rm -f dbeta.npy
    succeeds "dbeta without x, $geometry" backward --dy dy.npy --dbeta dbeta.npy --geometry $geometry
    same "dbeta without x is right, $geometry" dbeta.npy dbeta0.npy
    succeeds "dbeta without x, frozen, $geometry" backward --dy dy.npy --dbeta dbeta.npy --frozen --running-mean rm.npy \
        --running-var rv.npy --geometry $geometry
done
fails 1 'x is absent' 'dbeta of an activation without x' backward --dy dy.npy --dbeta dbeta.npy --activation relu
cp dy.npy inplace.npy
succeeds 'dx over dy' backward --x x.npy --dy inplace.npy --dx inplace.npy --epsilon 0
same 'dx over dy is right' inplace.npy dx0.npy
same 'saved mean is only read' sm.npy mean.npy

# ---- float64

if $float64; then
    array x8.npy '<f8' False '(4, 2)' 1 2 1 2 3 6 3 6
    array y8.npy '<f8' False '(4, 2)' -1 1.5 -1 1.5 3 2.5 3 2.5
    array gamma8.npy '<f8' False '(2,)' 2 0.5
    array beta8.npy '<f8' False '(2,)' 1 2
    array dy8.npy '<f8' False '(4, 2)' 4 8 0 0 0 0 8 16
    array dx8.npy '<f8' False '(4, 2)' 4 1 -4 -1 -8 -2 8 2
    succeeds 'forward in float64' forward --x x8.npy --y y.npy --gamma gamma8.npy --beta beta8.npy --epsilon 0
    same 'y in float64' y.npy y8.npy
    succeeds 'backward in float64' backward --x x8.npy --dy dy8.npy --gamma gamma8.npy --epsilon 0 --dx dx.npy
    same 'dx in float64' dx.npy dx8.npy
    succeeds 'gamma of float32 in float64' forward --x x8.npy --y y.npy --gamma gamma.npy --beta beta8.npy --epsilon 0
    same 'y in float64 with gamma of float32' y.npy y8.npy
fi

# ---- Types

array x2.npy '<f2' False '(4, 2)' 1 2 1 2 3 6 3 6
array y2.npy '<f2' False '(4, 2)' -1 1.5 -1 1.5 3 2.5 3 2.5
array dy2.npy '<f2' False '(4, 2)' 4 8 0 0 0 0 8 16
array dx2h.npy '<f2' False '(4, 2)' 4 1 -4 -1 -8 -2 8 2
array gamma8.npy '<f8' False '(2,)' 2 0.5
# The type that each type of tensors has in files, and the name of the files of that type.
types='float32:<f4: float16:<f2:2 bfloat16:<f4:'
if $float64; then types="$types float64:<f8:8"; fi
for row in $types; do
    type=${row%%:*}
    suffix=${row##*:}
    case $suffix in
    2) y_expected=y2.npy dx_expected=dx2h.npy ;;
    8) y_expected=y8.npy dx_expected=dx8.npy ;;
    *) y_expected=y1.npy dx_expected=dx1.npy ;;
    esac
    for x in x.npy x2.npy; do
        succeeds "forward of $x in $type" forward --x $x --y y.npy --gamma gamma8.npy --beta beta.npy --epsilon 0 \
            --type "$type" --save-mean sm.npy --save-invstd si.npy
        same "y of $x in $type" y.npy $y_expected
        succeeds "backward of $x in $type" backward --x $x --dy dy2.npy --gamma gamma.npy --epsilon 0 --type "$type" \
            --save-mean sm.npy --save-invstd si.npy --dx dx.npy
        same "dx of $x in $type" dx.npy $dx_expected
    done
done
succeeds 'forward of float16' forward --x x2.npy --y y.npy --gamma gamma.npy --beta beta.npy --epsilon 0 --save-mean sm.npy \
    --save-invstd si.npy --save-var sv.npy
same 'y of float16' y.npy y2.npy
same 'saved mean of float16 is float32' sm.npy mean.npy
same 'saved invstd of float16 is float32' si.npy invstd.npy
same 'saved variance of float16 is float32' sv.npy var.npy
succeeds 'backward of float16' backward --x x2.npy --dy dy.npy --gamma gamma.npy --epsilon 0 --dx dx.npy
same 'dx of float16' dx.npy dx2h.npy
# An inference that changes nothing shows how numbers are rounded: 1 + 2^-11 + 2^-40 once, not to float32 on the way; 257 to the
# even neighbour in bfloat16, 65520 to infinity in float16.
header '<f8' False '(3, 1)' >x8.npy
printf '\000\020\000\000\000\002\360\077\000\000\000\000\000\376\357\100\000\000\000\000\000\020\160\100' >>x8.npy
header '<f2' False '(3, 1)' >y16.npy
printf '\001\074\000\174\004\134' >>y16.npy
header '<f4' False '(3, 1)' >yb.npy
printf '\000\000\200\077\000\000\200\107\000\000\200\103' >>yb.npy
f4 zero.npy '(1,)' 0
f4 one.npy '(1,)' 1
succeeds 'rounding to float16' forward --x x8.npy --y y.npy --type float16 --inference --running-mean zero.npy --running-var \
    one.npy --epsilon 0
same 'rounded to float16' y.npy y16.npy
succeeds 'rounding to bfloat16' forward --x x8.npy --y y.npy --type bfloat16 --inference --running-mean zero.npy --running-var \
    one.npy --epsilon 0
same 'rounded to bfloat16' y.npy yb.npy

# ---- Activations and residuals

f4 z.npy '(4, 2)' 4 0 0 0 0 -3 0 2
f4 y-relu.npy '(4, 2)' 0 1.5 0 1.5 3 2.5 3 2.5
f4 y-z.npy '(4, 2)' 3 -1 -1 -1 1 -2 1 3
f4 y-z-relu.npy '(4, 2)' 3 0 0 0 1 0 1 3
f4 y-relu0.npy '(4, 2)' 0 0 0 0 1 1 1 1
f4 y-leaky.npy '(4, 2)' -0.5 -0.5 -0.5 -0.5 1 1 1 1
f4 dx-relu.npy '(4, 2)' 0 0 0 0 -4 -4 4 4
f4 dz-relu.npy '(4, 2)' 0 0 0 0 0 0 8 16
f4 db-relu.npy '(2,)' 8 16
f4 dx-leaky.npy '(4, 2)' 1 1 -1 -1 -4 -4 4 4
f4 dg-leaky.npy '(2,)' 6 12
f4 db-leaky.npy '(2,)' 10 20
f4 dz-beta.npy '(4, 2)' 0 8 0 0 0 0 8 16
f4 dz-z.npy '(4, 2)' 4 0 0 0 0 0 8 16
f4 rm.npy '(2,)' 2 4
f4 rv.npy '(2,)' 1 4
for geometry in vector group; do
    succeeds "relu, $geometry" forward --x x.npy --y y.npy --gamma gamma.npy --beta beta.npy --epsilon 0 --activation relu \
        --geometry $geometry
    same "y of relu, $geometry" y.npy y-relu.npy
    succeeds "residual, $geometry" forward --x x.npy --y y.npy --residual z.npy --epsilon 0 --geometry $geometry
    same "y with residual, $geometry" y.npy y-z.npy
    succeeds "residual and relu with a mask, $geometry" forward --x x.npy --y y.npy --residual z.npy --epsilon 0 \
        --activation relu --mask mask.npy --geometry $geometry
    same "y with residual and relu, $geometry" y.npy y-z-relu.npy
    check "the mask has bytes, $geometry" grep -q "'descr': '|u1'" mask.npy
    succeeds "inference with residual and relu, $geometry" forward --x x.npy --y y.npy --residual z.npy --epsilon 0 \
        --activation relu --inference --running-mean rm.npy --running-var rv.npy --mask mask2.npy --geometry $geometry
    same "y of inference with residual and relu, $geometry" y.npy y-z-relu.npy
    same "the mask of inference, $geometry" mask2.npy mask.npy
    for source in '--residual z.npy' '--y y-z-relu.npy' '--mask mask.npy'; do
        # The source is an option and its file.
        # shellcheck disable=SC2086
        succeeds "backward of residual and relu, $source, $geometry" backward --x x.npy --dy dy.npy --epsilon 0 \
            --activation relu $source --dx dx.npy --dresidual dz.npy --geometry $geometry
        same "dz, $source, $geometry" dz.npy dz-z.npy
    done
    succeeds "backward of relu, $geometry" backward --x x.npy --dy dy.npy --epsilon 0 --activation relu --dx dx.npy \
        --dresidual dz.npy --dgamma dgamma.npy --dbeta dbeta.npy --geometry $geometry
    same "dx of relu, $geometry" dx.npy dx-relu.npy
    same "dz of relu, $geometry" dz.npy dz-relu.npy
    same "dgamma of relu, $geometry" dgamma.npy db-relu.npy
    same "dbeta of relu, $geometry" dbeta.npy db-relu.npy
    succeeds "frozen backward of relu, $geometry" backward --x x.npy --dy dy.npy --epsilon 0 --activation relu --frozen \
        --running-mean rm.npy --running-var rv.npy --dresidual dz.npy --dbeta dbeta.npy --geometry $geometry
    same "dz of relu, frozen, $geometry" dz.npy dz-relu.npy
    same "dbeta of relu, frozen, $geometry" dbeta.npy db-relu.npy
    succeeds "leaky relu, $geometry" forward --x x.npy --y y.npy --epsilon 0 --activation leaky-relu --leaky-slope 0.5 \
        --save-mean sm.npy --save-invstd si.npy --geometry $geometry
    same "y of leaky relu, $geometry" y.npy y-leaky.npy
    succeeds "backward of leaky relu from y alone, $geometry" backward --y y-leaky.npy --dy dy.npy --activation leaky_relu \
        --leaky-slope 0.5 --save-mean sm.npy --save-invstd si.npy --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy \
        --geometry $geometry
    same "dx of leaky relu, $geometry" dx.npy dx-leaky.npy
    same "dgamma of leaky relu, $geometry" dgamma.npy dg-leaky.npy
    same "dbeta of leaky relu, $geometry" dbeta.npy db-leaky.npy
done
for activation in none relu leaky_relu relu6 silu sigmoid tanh elu; do
    succeeds "forward with $activation" forward --x x.npy --y y.npy --activation $activation
    succeeds "backward with $activation" backward --x x.npy --dy dy.npy --dx dx.npy --activation $activation
done
succeeds 'elu' forward --x x.npy --y y.npy --activation elu
succeeds 'elu with alpha 1' forward --x x.npy --y y-elu.npy --activation elu --elu-alpha 1
same 'the alpha of elu is 1' y.npy y-elu.npy
succeeds 'elu with alpha 2' forward --x x.npy --y y-elu.npy --activation elu --elu-alpha 2
check 'elu goes by its alpha' test "$(cmp -s y.npy y-elu.npy || echo differs)" = differs
succeeds 'beta moves what relu cuts off' backward --x x.npy --dy dy.npy --beta beta.npy --epsilon 0 --activation relu \
    --dresidual dz.npy
same 'dz with beta' dz.npy dz-beta.npy
fails 1 'CLBN_NOT_INVERTIBLE' 'backward of relu from y alone' backward --y y-relu0.npy --dy dy.npy --activation relu \
    --save-mean sm.npy --save-invstd si.npy --dx dx.npy
fails 1 'CLBN_NOT_INVERTIBLE' 'backward of silu from y' backward --x x.npy --y y.npy --dy dy.npy --activation silu --dx dx.npy
fails 1 "for --residual has the shape (2,), and (4, 2) is expected" 'residual of another shape' forward --x x.npy --y y.npy \
    --residual gamma.npy
fails 1 "for --y has the shape (2,), and (4, 2) is expected, the shape of dy" 'y of another shape' backward --y gamma.npy --dy \
    dy.npy --activation tanh --dx dx.npy
fails 1 "for --mask has the type float32, and uint8 is expected" 'mask of floats' backward --x x.npy --dy dy.npy \
    --activation relu --mask zero.npy --dx dx.npy
header '|u1' False '(3,)' >bad.npy
printf 'abc' >>bad.npy
fails 1 "for --mask has the shape (3,), and" 'mask of another size' backward --x x.npy --dy dy.npy --activation relu \
    --mask bad.npy --dx dx.npy
f4 dgamma.npy '(2,)' 2 0
f4 sum.npy '(2,)' 5 8
succeeds 'accumulated gradients' backward --x x.npy --dy dy.npy --epsilon 0 --dgamma dgamma.npy --accumulate 0.5
same 'dgamma is added' dgamma.npy sum.npy
f4 none.npy '(4, 2)' 0 0 0 0 0 0 0 0
succeeds 'dx' backward --x x.npy --dy dy.npy --dx dx.npy
succeeds 'dx minus itself' backward --x x.npy --dy dy.npy --dx dx.npy --accumulate=-1
same 'dx is added' dx.npy none.npy
rm none.npy
fails 1 "'none.npy': No such file" 'accumulating into nothing' backward --x x.npy --dy dy.npy --dbeta none.npy --accumulate 1
f4 x3.npy '(2, 2, 2)' 1 2 1 2 3 6 3 6
f4 y3.npy '(2, 2, 2)' -1 -1 -1 -1 1 1 1 1
f4 mean3.npy '(2, 2)' 2 4 2 4
f4 one3.npy '(2, 2)' 1 1 1 1
succeeds 'per activation' forward --x x3.npy --y y.npy --per-activation --gamma one3.npy --epsilon 0 --save-mean sm.npy \
    --save-invstd si.npy
same 'y per activation' y.npy y3.npy
same 'mean per activation' sm.npy mean3.npy
fails 1 "has the shape (2,), and (2, 2) is expected, the shape without its first axis of x" 'gamma of channels per activation' \
    forward --x x3.npy --y y.npy --per-activation --gamma gamma.npy
succeeds 'per activation of one axis' forward --x x1.npy --y y.npy --per-activation --epsilon 0
f4 y-one.npy '(4,)' -1 -1 1 1
same 'y per activation of one axis' y.npy y-one.npy

# ---- Ghost batches: of two rows and of the one that is left, whose variance is 0.

f4 x-ghost.npy '(3, 2)' 1 2 3 6 5 1
f4 dy-ghost.npy '(3, 2)' 1 2 2 4 3 0
f4 y-ghost.npy '(3, 2)' -1 -1 1 1 0 0
f4 mean-ghost.npy '(2, 2)' 2 4 5 1
f4 invstd-ghost.npy '(2, 2)' 1 0.5 0 0
f4 dx-ghost.npy '(3, 2)' 0 0 0 0 0 0
f4 dgamma-ghost.npy '(2,)' 1 2
f4 dbeta-ghost.npy '(2,)' 6 6
for geometry in auto vector group; do
    succeeds "ghost batches, $geometry" forward --x x-ghost.npy --y y.npy --ghost-batch 2 --epsilon 0 --geometry $geometry \
        --save-mean sm.npy --save-invstd si.npy
    same "y of ghost batches, $geometry" y.npy y-ghost.npy
    same "their means, $geometry" sm.npy mean-ghost.npy
    same "their invstds, $geometry" si.npy invstd-ghost.npy
    succeeds "backward of ghost batches, $geometry" backward --x x-ghost.npy --dy dy-ghost.npy --ghost-batch 2 --epsilon 0 \
        --geometry $geometry --save-mean sm.npy --save-invstd si.npy --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy
    same "dx of ghost batches, $geometry" dx.npy dx-ghost.npy
    same "their dgamma, $geometry" dgamma.npy dgamma-ghost.npy
    same "their dbeta, $geometry" dbeta.npy dbeta-ghost.npy
done
fails 1 'has the shape (2, 2), and (3, 2) is expected, one value per ghost batch and channel of x' 'statistics of other ghosts' \
    backward --x x-ghost.npy --dy dy-ghost.npy --ghost-batch 1 --save-mean sm.npy --save-invstd si.npy --dx dx.npy
fails 1 'axis 0 is a channel axis' 'ghost batches along channels' forward --x x-ghost.npy --y y.npy --ghost-batch 2 --axis 0
fails 2 'an integer from 1' 'ghost batches of nothing' forward --x x-ghost.npy --y y.npy --ghost-batch 0
fails 2 'not for --inference' 'ghost batches of an inference' forward --x x-ghost.npy --y y.npy --ghost-batch 2 --inference \
    --running-mean rm.npy --running-var rv.npy
fails 2 'no sense with --frozen' 'ghost batches of frozen statistics' backward --x x-ghost.npy --dy dy-ghost.npy --dx dx.npy \
    --ghost-batch 2 --frozen --running-mean rm.npy --running-var rv.npy

# ---- Folding. Variances 4 and 1/4, gamma 1 and 2: scales 1/2 and 4.

f4 weights.npy '(2, 3)' 2 4 6 0.5 1 2
f4 columns.npy '(3, 2)' 2 0.5 4 1 6 2
f4 bias.npy '(2,)' 5 3
f4 fold-gamma.npy '(2,)' 1 2
f4 fold-beta.npy '(2,)' -1 4
f4 fold-mean.npy '(2,)' 1 2.5
f4 fold-means.npy '(2,)' 2 -1
f4 fold-var.npy '(2,)' 4 0.25
f4 folded-weights.want '(2, 3)' 1 2 3 2 4 8
f4 folded-columns.want '(3, 2)' 1 2 2 4 3 8
f4 folded-bias.want '(2,)' 1 6
f4 scaled-weights.want '(2, 3)' 1 2 3 1 2 4
f4 scaled-bias.want '(2,)' -1 2
fold="fold --running-var fold-var.npy --epsilon 0 --folded-weights fw.npy --folded-bias fb.npy"
# The variable is a list of words.
# shellcheck disable=SC2086
for geometry in vector group; do
    succeeds "fold, $geometry" $fold --weights weights.npy --bias bias.npy --gamma fold-gamma.npy --beta fold-beta.npy \
        --running-mean fold-mean.npy --geometry $geometry
    same "folded weights, $geometry" fw.npy folded-weights.want
    same "folded bias, $geometry" fb.npy folded-bias.want
    succeeds "fold of the last axis, $geometry" $fold --weights columns.npy --axis -1 --bias bias.npy \
        --gamma fold-gamma.npy --beta fold-beta.npy --running-mean fold-mean.npy --geometry $geometry
    same "folded weights of the last axis, $geometry" fw.npy folded-columns.want
    same "folded bias of the last axis, $geometry" fb.npy folded-bias.want
    succeeds "fold without options, $geometry" $fold --weights weights.npy --running-mean fold-means.npy --geometry $geometry
    same "scaled weights, $geometry" fw.npy scaled-weights.want
    same "bias of a layer without, $geometry" fb.npy scaled-bias.want
done
fails 1 'one value per channel of weights' 'fold of the wrong axis' fold --weights columns.npy --running-mean fold-mean.npy \
    --running-var fold-var.npy --folded-weights fw.npy --folded-bias fb.npy

# ---- Empty arrays

f4 empty.npy '(0, 2)'
f4 zeros.npy '(2,)' 0 0
succeeds 'forward of an empty batch' forward --x empty.npy --y y.npy --gamma gamma.npy --beta beta.npy \
    --running-mean rm.npy --running-var rv.npy --save-mean sm.npy --save-invstd si.npy
same 'y of an empty batch' y.npy empty.npy
same 'running mean of an empty batch' rm.npy rm-before.npy
same 'running variance of an empty batch' rv.npy rv-before.npy
same 'saved mean of an empty batch' sm.npy zeros.npy
succeeds 'inference of an empty batch' forward --x empty.npy --y y.npy --inference --running-mean rm.npy \
    --running-var rv.npy
succeeds 'backward of an empty batch' backward --x empty.npy --dy empty.npy --dx dx.npy --dgamma dgamma.npy \
    --dbeta dbeta.npy
same 'dx of an empty batch' dx.npy empty.npy
same 'dgamma of an empty batch' dgamma.npy zeros.npy
same 'dbeta of an empty batch' dbeta.npy zeros.npy
succeeds 'backward of an empty batch to dx only' backward --x empty.npy --dy empty.npy --dx dx.npy
same 'dx only of an empty batch' dx.npy empty.npy
succeeds 'frozen backward of an empty batch' backward --x empty.npy --dy empty.npy --frozen --running-mean rm.npy \
    --running-var rv.npy --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy
same 'dgamma, frozen, of an empty batch' dgamma.npy zeros.npy
f4 none.npy '(4, 0)'
f4 nothing.npy '(0,)'
cp nothing.npy nothing2.npy
cp nothing.npy nothing3.npy
succeeds 'forward without channels' forward --x none.npy --y y.npy --gamma nothing.npy --running-mean nothing3.npy \
    --running-var nothing2.npy --save-mean sm.npy --save-invstd si.npy
same 'y without channels' y.npy none.npy
same 'saved mean without channels' sm.npy nothing.npy
succeeds 'inference without channels' forward --x none.npy --y y.npy --inference --running-mean nothing.npy \
    --running-var nothing.npy
succeeds 'backward without channels' backward --x none.npy --dy none.npy --dx dx.npy --dgamma dgamma.npy --dbeta \
    dbeta.npy
same 'dgamma without channels' dgamma.npy nothing.npy
succeeds 'frozen backward without channels' backward --x none.npy --dy none.npy --frozen --running-mean nothing.npy \
    --running-var nothing.npy --dx dx.npy --dgamma dgamma.npy --dbeta dbeta.npy

# ---- Bench

fails 1 'cannot write' 'bench with JSON in no folder' bench --shapes 2,3,5,7 --quick --json no-folder/bench.json
fails 1 'cannot write' 'bench with a picture in no folder' bench --shapes 2,3,5,7 --quick --plot no-folder/bench.svg
# Of the programs in PATH only a shell's are needed.
run_without_gnuplot() {
    PATH=$folder/no-programs run "$@"
}
run_without_gnuplot bench --shapes 2,3,5,7 --quick --plot bench.svg --json bench.json
check 'bench with a picture needs gnuplot' test "$code" -eq 1
check 'bench says so before it measures' grep -q "cannot draw 'bench.svg': gnuplot is not installed" "$folder/err"
check 'nothing is measured without gnuplot' test ! -s "$folder/out"
fails 1 'no device matches' 'bench on no device' bench --device 'no such device' --json bench.json
check 'no JSON without a measurement' test ! -e bench.json
# The JSON is opened before the measurement, which takes minutes.
"$clbn" bench --json bench.json >/dev/null 2>&1 &
bench=$!
attempts=0
while [ -z "$(find . -name '.clbn-*')" ] && [ $attempts -lt 100 ]; do
    sleep 0.1
    attempts=$((attempts + 1))
done
check 'bench has opened its JSON' test -n "$(find . -name '.clbn-*')"
kill -TERM $bench
code=0
wait $bench 2>/dev/null || code=$?
check 'a signal ends bench' test "$code" -eq 143
check 'a signal leaves no temporary file' test -z "$(find . -name '.clbn-*')"
check 'no JSON after a signal' test ! -e bench.json
prints 'Geometric means' 'bench of a tiny shape' bench --shapes 2,3,5,7+4,6 --quick --json bench.json
for row in 'forward .* 2x3x5x7 *nchw *float32' 'backward .* 2x3x5x7 *nhwc *float32' 'inference *4x6 *nc *float32'; do
    check "the table has $row" grep -q "$row" "$folder/out"
done
check 'bench fits 80 columns' fits
check 'bench writes no errors' test ! -s "$folder/err"
check 'the table has a row for each case' test "$(grep -c 'x[0-9]* *n[a-z]* *float32  ' "$folder/out")" -eq 9
for key in op shape layout type activation residual impl median_s min_s p90_s device_s bytes gb_per_s limit_ratio peer_ratio \
    kernels; do
    # A record each for clbn, for two kinds of stores, and, of six cases that train, for two floors.
    check "bench --json has $key in each record" test "$(grep -c "\"$key\": " bench.json)" -eq 39
done
for key in engine_first_s engine_again_median_s first_plan_of_kind_first_s first_plan_of_kind_compiled_median_s \
    first_plan_of_kind_cached_median_s plan_median_s compute_units; do
    check "bench --json has $key" grep -q "\"$key\": " bench.json
done
prints 'backward  2x3x5x7' 'bench of one operation and layout' bench --shapes 2,3,5,7 --quick --ops backward --layout nhwc
check 'no row of another operation' test "$(grep -c '2x3x5x7' "$folder/out")" -eq 1
for geometry in vector group; do
    prints 'inference' "bench, $geometry" bench --shapes 3,5,7 --quick --geometry $geometry
done
types=float32,float16,bfloat16
if $float64; then types=float32,float64,float16,bfloat16; fi
prints 'bfloat16' 'bench of all types' bench --shapes 3,5,7 --quick --ops forward --layout nchw --type $types --json bench.json
for type in $(echo $types | tr , ' '); do
    records=5 # As above; float64 has no floor.
    if [ "$type" = float64 ]; then records=3; fi
    check "bench --json has $type" test "$(grep -c "\"type\": \"$type\"" bench.json)" -eq $records
done
check 'bytes of a copy in float32' test "$(grep -c '"bytes": 840,' bench.json)" -eq 5
check 'bytes of a copy in 16 bits' test "$(grep -c '"bytes": 420,' bench.json)" -eq 10
fails 2 '--type takes' 'bench of an unknown type among others' bench --type float32,int8
fails 2 'silu, sigmoid, tanh or elu' 'bench with an unknown activation' bench --activation gelu
for options in '--activation relu' '--residual' '--activation leaky-relu --residual' '--activation silu --residual'; do
    # Options and their values are words of their own.
    # shellcheck disable=SC2086
    prints 'y = ' "bench $options" bench --shapes 3,5,7 --quick $options --json bench.json
    check "bench $options measures all operations" test "$(grep -c '"impl": "clbn"' bench.json)" -eq 6
done
check 'bench --json has the activation in each record' test "$(grep -c '"activation": "silu"' bench.json)" -eq 18
check 'bench --json has the residual in each record' test "$(grep -c '"residual": true' bench.json)" -eq 18
run bench --shapes 1073741824,1024,1024 --quick --json large.json
check 'bench of a shape that does not fit fails' test "$code" -eq 1
check 'bench says what does not fit' grep -q 'no shape could be measured: .* MiB' "$folder/err"
check 'no JSON of nothing' test ! -e large.json
prints 'not measured: ' 'bench leaves out what does not fit' bench --shapes 1073741824,1024,1024+2,3,5 --quick
run bench --shapes 2,3,5,7 --quick --peer onednn --activation relu
if [ "$code" -eq 0 ]; then
    check 'bench prints how much faster, if it means something' grep -q 'x$\|unclear$' "$folder/out"
    check 'bench beside a peer fits 80 columns' fits
else
    check 'bench has a reason to leave oneDNN out' grep -q 'oneDNN' "$folder/err"
fi

# ---- Tune

fails 1 'cannot write' 'tuning with JSON in no folder' tune --shapes 2,3,5,7 --json no-folder/tune.json
fails 1 'no device matches' 'tuning on no device' tune --device 'no such device' --json tune.json
check 'no JSON without tuning' test ! -e tune.json
users_cache=${CLBN_CACHE_DIR:-}
export CLBN_CACHE_DIR=''
prints 'Nothing is remembered: the disk cache is off' 'tuning without a cache' tune --shapes 4,6 --seconds 0.01
CLBN_CACHE_DIR=$folder/cache
prints "Remembered in $folder/cache" 'tuning with a cache' tune --shapes 2,3,5,7+4,6 --seconds 0.01 --json tune.json
check 'tuning fits 80 columns' fits
check 'tuning writes no errors' test ! -s "$folder/err"
for row in 'forward .* 2x3x5x7 *nchw *float32' 'backward .* 2x3x5x7 *nhwc *float32' 'inference *4x6 *nc *float32'; do
    check "tuning shows $row" grep -q "$row .*x .* / " "$folder/out"
done
check 'tuning shows a row for each case' test "$(grep -c ' groups' "$folder/out")" -eq 9
check 'tuning is in the cache, for each kind of program' test "$(find "$folder/cache" -name 'tuned-*' | wc -l)" -eq 2
for key in op shape layout type activation usual_s best_s gain divisions measured division; do
    check "tune --json has $key in each record" test "$(grep -c "\"$key\": " tune.json)" -eq 9
done
check 'tune --json says where it is stored' grep -qF "\"folder\": \"$folder/cache\"" tune.json
check 'tune --json says that it is stored' grep -qF '"stored": true' tune.json
prints 'backward  2x3x5x7' 'tuning of one operation and layout' tune --shapes 2,3,5,7 --seconds 0.01 --ops backward --layout nhwc
check 'no row of another operation' test "$(grep -c '2x3x5x7' "$folder/out")" -eq 1
prints 'y = relu(batch norm)' 'tuning with an activation' tune --shapes 4,6 --seconds 0.01 --activation relu
run tune --shapes 1073741824,1024,1024 --json large.json
check 'tuning of a shape that does not fit fails' test "$code" -eq 1
check 'tuning says what does not fit' grep -q 'not measured: .* MiB' "$folder/out"
check 'no JSON of nothing tuned' test ! -e large.json
prints 'not measured: ' 'tuning leaves out what does not fit' tune --shapes 1073741824,1024,1024+2,3 --seconds 0.01
# ---- Cache

fails 2 'give one' 'two wishes for the cache' cache --clear --limit 1
echo 'not ours' >"$folder/cache/notes"
prints 'tuned-' 'the cache is listed' cache
check 'the list fits 80 columns' fits
count=$(find "$folder/cache" -name '*-????????????????' | wc -l)
check 'all of it' grep -q "^$count files" "$folder/out"
prints "removed 0 of $count" 'a cache within its limit' cache --limit 1000
oldest=$(find "$folder/cache" -name '*-????????????????' | head -n 1)
touch -d '2001-01-01' "$oldest"
prints "of $count files, 0.000 MB are left" 'a cache with no room' cache --limit 0
check 'the oldest has gone' test ! -e "$oldest"
prints 'removed ' 'the cache is removed' cache --clear
check 'nothing of it is left' test "$(find "$folder/cache" -name '*-????????????????' | wc -l)" -eq 0
check 'what is not its own stays' test -e "$folder/cache/notes"
CLBN_CACHE_DIR=''
fails 1 'there is no cache' 'no cache' cache

echo 'no folder' >"$folder/file"
CLBN_CACHE_DIR=$folder/file
prints 'cannot be written to' 'tuning with a cache that is no folder' tune --shapes 4,6 --seconds 0.01 --json tune.json
check 'tune --json says that nothing is stored' grep -qF '"stored": false' tune.json
CLBN_CACHE_DIR=$users_cache

finish
